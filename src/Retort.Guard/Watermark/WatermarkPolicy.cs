using System.Globalization;
using Retort.Guard.Accounts;
using Mark = Retort.Model.Marks.Watermark;

namespace Retort.Guard.Watermark;

/// <summary>How a mark chooses tokens.</summary>
public enum WatermarkScheme
{
    /// <summary>Leaves the distribution as it is, over all keys.</summary>
    Tournament,

    /// <summary>Raises a share of the tokens: plainer to find, in a student too, at a cost in quality.</summary>
    GreenList,
}

/// <summary>Who shares a key: a text is traced to all of them together.</summary>
public enum WatermarkBy
{
    Account,

    /// <summary>Linked accounts together; an account without a group for itself.</summary>
    Group,

    All,
}

/// <summary>Which answers are marked, and how.</summary>
/// <param name="Epoch">Another number makes other keys for all.</param>
/// <param name="Width">Tokens before a token that decide how it is marked.</param>
/// <param name="Layers">Of a tournament.</param>
/// <param name="Gamma">Share of green tokens.</param>
/// <param name="Delta">What green tokens' log odds gain, nats.</param>
public sealed record WatermarkPolicy(WatermarkScheme Scheme, WatermarkBy By, int Epoch, int Width, int Layers, double Gamma, double Delta)
{
    /// <summary>The name of the key that an account's answers are marked with.</summary>
    public string Scope(Account account) => string.Create(CultureInfo.InvariantCulture, $"{(By, account.Linked) switch
    {
        (WatermarkBy.All, _) => "all",
        (WatermarkBy.Group, { } group) => string.Create(CultureInfo.InvariantCulture, $"group/{group}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"account/{account.Id}"),
    }}/{Epoch}");

    /// <summary>The mark of a key.</summary>
    public Mark With(ReadOnlyMemory<byte> key) => Scheme == WatermarkScheme.Tournament ? new Mark.Tournament(key, Layers, Width) : new Mark.GreenList(key, Gamma, Delta, Width);
}
