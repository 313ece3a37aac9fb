namespace Retort.Guard;

/// <summary>How a model is served.</summary>
/// <param name="Name">What clients call the model.</param>
/// <param name="Urls">Addresses to listen on; port 0 takes a free one.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="CacheTokens">Tokens whose keys and values are kept, of all answers together.</param>
/// <param name="Answers">Answers computed side by side.</param>
/// <param name="Queue">Answers that may wait beyond those.</param>
/// <param name="MostTokens">Tokens of a chat answer for which the client names no number.</param>
/// <param name="Grace">How long answers under way may go on once the server is told to stop.</param>
public sealed record ServeOptions(string Name, string Urls, int Threads, int CacheTokens, int Answers = 16, int Queue = 64, int MostTokens = 1024, TimeSpan? Grace = null);
