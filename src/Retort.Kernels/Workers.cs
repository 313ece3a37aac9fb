namespace Retort.Kernels;

/// <summary>
/// A persistent pool that runs numbered items of work. Items write disjoint outputs and each is computed by one thread from start to
/// end, so results do not depend on which thread took it or on how many threads there are.
/// </summary>
/// <remarks>
/// A worker spins for a short while before it sleeps: the phases of a training step are tens of microseconds apart, which is less than
/// a wake-up costs.
/// </remarks>
public sealed class Workers : IDisposable
{
    const int SpinRounds = 2000;

    readonly Thread[] _threads;
    readonly SemaphoreSlim _wake = new(0);
    Action<int, int> _body = static (_, _) => { };
    Exception? _failure;
    int _items;
    int _next;
    int _busy;
    int _asleep;
    volatile int _generation;
    volatile bool _stop;

    /// <param name="threads">Threads that take part, the caller included; at least 1.</param>
    public Workers(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"worker {worker}" };
            _threads[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Runs <paramref name="body"/>(item, worker) for every item in 0..items−1 and returns when all are done.</summary>
    /// <param name="items">How many items.</param>
    /// <param name="body">Gets the item's number and the number of the worker (0..Threads−1), which owns its scratch memory.</param>
    public void Run(int items, Action<int, int> body)
    {
        if (items <= 0)
        {
            return;
        }

        if (Threads == 1 || items == 1)
        {
            for (int i = 0; i < items; i++)
            {
                body(i, 0);
            }

            return;
        }

        _body = body;
        _items = items;
        _failure = null;
        Volatile.Write(ref _next, 0);
        Volatile.Write(ref _busy, _threads.Length);
        Interlocked.Increment(ref _generation);
        int asleep = Volatile.Read(ref _asleep);
        if (asleep > 0)
        {
            _wake.Release(asleep);
        }

        Take(0);
        SpinWait spin = default;
        while (Volatile.Read(ref _busy) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is { } failure)
        {
            throw new AggregateException(failure);
        }
    }

    public void Dispose()
    {
        _stop = true;
        Interlocked.Increment(ref _generation);
        _wake.Release(_threads.Length + 1);
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        _wake.Dispose();
    }

    void Take(int worker)
    {
        Action<int, int> body = _body;
        int items = _items;
        try
        {
            for (int item = Interlocked.Increment(ref _next) - 1; item < items; item = Interlocked.Increment(ref _next) - 1)
            {
                body(item, worker);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }

    void Serve(int worker)
    {
        int seen = 0;
        while (true)
        {
            int rounds = 0;
            while (_generation == seen)
            {
                if (++rounds < SpinRounds)
                {
                    Thread.SpinWait(10);
                    continue;
                }

                Interlocked.Increment(ref _asleep);
                if (_generation == seen)
                {
                    _wake.Wait();
                }

                Interlocked.Decrement(ref _asleep);
                rounds = 0;
            }

            seen = _generation;
            if (_stop)
            {
                return;
            }

            Take(worker);
            Interlocked.Decrement(ref _busy);
        }
    }
}
