namespace Retort.Guard.Detector;

/// <summary>What is done about every account: read by each request with one look into memory, written when a case changes.</summary>
public sealed class ResponseTable
{
    readonly Lock _gate = new();
    AccountResponse?[] _byAccount = [];

    /// <summary>What is done about an account; null for nothing. Accounts are numbered from 1 without large gaps.</summary>
    public AccountResponse? Of(long account)
    {
        AccountResponse?[] table = Volatile.Read(ref _byAccount);
        return (ulong)account < (ulong)table.Length ? Volatile.Read(ref table[account]) : null;
    }

    /// <summary>Changes what is done about an account; null for nothing more.</summary>
    public void Set(long account, AccountResponse? response)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(account);
        lock (_gate)
        {
            if (account >= _byAccount.Length)
            {
                AccountResponse?[] larger = new AccountResponse?[Math.Max(account + 1, _byAccount.Length * 2L)];
                _byAccount.CopyTo(larger, 0);
                Volatile.Write(ref _byAccount, larger);
            }

            Volatile.Write(ref _byAccount[account], response);
        }
    }
}
