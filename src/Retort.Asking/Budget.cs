namespace Retort.Asking;

/// <summary>
/// Money under a ceiling. What an answer may cost at most is set aside before it is asked; when it is known the rest goes back. What is spent and set
/// aside together never passes the ceiling.
/// </summary>
/// <param name="ceiling">Null for none.</param>
/// <param name="spent">What earlier runs spent.</param>
public sealed class Budget(Usd? ceiling, Usd spent)
{
    readonly Lock _gate = new();
    Usd _spent = spent, _reserved;
    int _open;
    TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Usd? Ceiling { get; } = ceiling;

    public Usd Spent
    {
        get
        {
            lock (_gate)
            {
                return _spent;
            }
        }
    }

    /// <summary>Sets money aside, waiting for what others give back where it would pass the ceiling.</summary>
    /// <returns>False where it would even when all others have settled.</returns>
    public async Task<bool> Reserve(Usd amount, CancellationToken stop)
    {
        while (true)
        {
            Task settled;
            lock (_gate)
            {
                if (Ceiling is not { } most || _spent + _reserved + amount <= most)
                {
                    _reserved += amount;
                    _open++;
                    return true;
                }

                if (_open == 0 || _spent + amount > most)
                {
                    return false;
                }

                settled = _settled.Task;
            }

            await settled.WaitAsync(stop).ConfigureAwait(false);
        }
    }

    /// <summary>Spends of what was set aside and gives the rest back. An endpoint that counts more than the most we reckoned with is booked in full.</summary>
    public void Settle(Usd reserved, Usd spent)
    {
        lock (_gate)
        {
            _reserved -= reserved;
            _spent += spent;
            _open--;
            _settled.SetResult();
            _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
