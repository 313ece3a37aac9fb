using System.Runtime.ExceptionServices;

namespace Retort.Kernels;

/// <summary>
/// A persistent pool that runs numbered items of work. Items write disjoint outputs and each is computed by one thread from start to
/// end, so results do not depend on which thread took it or on how many threads there are.
/// </summary>
/// <remarks>
/// Whoever waits, worker or caller, spins for a short while and then sleeps. The phases of a training step are tens of microseconds apart,
/// which is less than a wake-up costs; but where another process holds a core, the thread that is waited for has lost its own, and gets the
/// sleeper's.
/// </remarks>
public sealed class Workers : IDisposable
{
    const int SpinRounds = 300;

    readonly Thread[] _threads;
    readonly SemaphoreSlim[] _wake;
    readonly int[] _asleep;
    readonly SemaphoreSlim _done = new(0);
    int _callerAsleep;
    Action<int, int> _body = static (_, _) => { };
    Exception? _failure;
    int _items;
    int _next;
    int _busy;
    volatile int _generation;
    volatile bool _stop;

    /// <param name="threads">Threads that take part, the caller included; at least 1.</param>
    public Workers(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _threads = new Thread[threads - 1];
        _wake = new SemaphoreSlim[threads - 1];
        _asleep = new int[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _wake[i] = new SemaphoreSlim(0);
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"worker {worker}" };
            _threads[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Runs <paramref name="body"/>(item, worker) for every item in 0..items−1 and returns when all are done. The first exception of
    /// the body is thrown on as it was, when no item runs any more; some items may then not have run.</summary>
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
        Wake();
        Take(0);
        AwaitWorkers();
        if (_failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    void AwaitWorkers()
    {
        for (int round = 0; round < SpinRounds; round++)
        {
            if (Volatile.Read(ref _busy) == 0)
            {
                return;
            }

            Thread.SpinWait(10);
        }

        // As with the workers: whoever takes the flag back decides, and a permit that was given is consumed here.
        Interlocked.Exchange(ref _callerAsleep, 1);
        if (Volatile.Read(ref _busy) != 0 || Interlocked.Exchange(ref _callerAsleep, 0) == 0)
        {
            _done.Wait();
        }
    }

    public void Dispose()
    {
        _stop = true;
        Interlocked.Increment(ref _generation);
        Wake();
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        foreach (SemaphoreSlim wake in _wake)
        {
            wake.Dispose();
        }

        _done.Dispose();
    }

    /// <summary>Wakes exactly the workers that said they sleep. Each has a semaphore of its own: with a shared one, a worker that is done and
    /// goes back to sleep takes the permit of one that has not woken yet, which then misses the run.</summary>
    void Wake()
    {
        for (int i = 0; i < _threads.Length; i++)
        {
            if (Interlocked.Exchange(ref _asleep[i], 0) != 0)
            {
                _wake[i].Release();
            }
        }
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

                ref int asleep = ref _asleep[worker - 1];
                Interlocked.Exchange(ref asleep, 1);
                // Whoever takes the flag back decides: a waker that has it releases once, and that permit is consumed here.
                if (_generation == seen || Interlocked.Exchange(ref asleep, 0) == 0)
                {
                    _wake[worker - 1].Wait();
                }
            }

            seen = _generation;
            if (_stop)
            {
                return;
            }

            Take(worker);
            if (Interlocked.Decrement(ref _busy) == 0 && Interlocked.Exchange(ref _callerAsleep, 0) != 0)
            {
                _done.Release();
            }
        }
    }
}
