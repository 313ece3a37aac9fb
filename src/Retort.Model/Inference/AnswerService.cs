using System.Collections.Concurrent;
using Retort.Model.Tokenizers;

namespace Retort.Model.Inference;

/// <summary>
/// An engine on a thread of its own, which any thread asks. What waits is bounded: beyond that an answer is refused at once instead of being
/// promised for later.
/// </summary>
public sealed class AnswerService : IDisposable
{
    readonly InferenceEngine _engine;
    readonly ConcurrentQueue<Answer> _inbox = new();
    readonly SemaphoreSlim _wake = new(0);
    readonly Lock _gate = new();
    readonly Thread _thread;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly int _most;
    int _open;
    int _running;
    volatile bool _closing;
    volatile bool _stop;

    /// <param name="queue">Most answers that wait while as many as the engine computes side by side are under way.</param>
    public AnswerService(InferenceModel model, Tokenizer tokenizer, EngineOptions options, int queue)
    {
        _engine = new(model.Weights, tokenizer, options, model.Path);
        (Model, Tokenizer, _most) = (model, tokenizer, options.Answers + queue);
        _thread = new(Serve) { IsBackground = true, Name = "answers" };
        _thread.Start();
    }

    public InferenceModel Model { get; }

    public Tokenizer Tokenizer { get; }

    /// <summary>Tokens that may be drawn.</summary>
    public int Vocabulary => _engine.Vocabulary;

    /// <summary>Tokens that end an answer.</summary>
    public IReadOnlyCollection<int> Ends => _engine.Ends;

    /// <summary>Whether nothing new is taken on.</summary>
    public bool IsClosing => _closing;

    /// <summary>Answers begun or waiting.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Answers being computed.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <inheritdoc cref="InferenceEngine.Encode"/>
    public int[] Encode(string prompt) => _engine.Encode(prompt);

    /// <summary>Begins an answer, whose parts come from the engine's thread.</summary>
    /// <returns>Null where too many wait already, or the service is closing.</returns>
    /// <exception cref="UserError">As for <see cref="InferenceEngine.Start"/>.</exception>
    public Answer? TryStart(AnswerRequest request)
    {
        Answer answer = _engine.Prepare(request with
        {
            OnPart = part =>
            {
                if (part.Finish is not null)
                {
                    Interlocked.Decrement(ref _open);
                }

                request.OnPart?.Invoke(part);
            },
        });
        lock (_gate)
        {
            if (_closing || Open >= _most)
            {
                return null;
            }

            Interlocked.Increment(ref _open);
            _inbox.Enqueue(answer);
            _wake.Release();
            return answer;
        }
    }

    /// <summary>Takes on nothing new; ends when what is under way has ended, or is cancelled after the grace.</summary>
    public async Task Close(TimeSpan grace, TimeProvider time)
    {
        Shut();
        using CancellationTokenSource end = new(grace, time);
        try
        {
            await _ended.Task.WaitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _stop = true;
            _wake.Release();
            await _ended.Task.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _stop = true;
        Shut();
        _thread.Join();
        _engine.Dispose();
        _wake.Dispose();
    }

    void Shut()
    {
        lock (_gate)
        {
            _closing = true;
            _wake.Release();
        }
    }

    void Serve()
    {
        while (true)
        {
            while (_inbox.TryDequeue(out Answer? answer))
            {
                _engine.Take(answer);
            }

            if (_stop)
            {
                _engine.CancelAll();
            }

            // Read before the inbox: nothing comes in once it is set.
            bool closing = _closing, more = _engine.Step();
            Volatile.Write(ref _running, _engine.Running);
            if (!more && _inbox.IsEmpty)
            {
                if (closing)
                {
                    _ended.TrySetResult();
                    return;
                }

                _wake.Wait();
            }
        }
    }
}
