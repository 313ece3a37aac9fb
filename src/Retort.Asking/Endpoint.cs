namespace Retort.Asking;

/// <summary>A model behind OpenAI's interface: <c>https://host/v1#model</c>.</summary>
/// <param name="Address">What goes before /chat/completions, without a slash at its end.</param>
/// <param name="Model">The model's name there.</param>
public sealed record Endpoint(string Address, string Model)
{
    /// <summary>Whether a model reference is an endpoint, and not a file or a folder.</summary>
    public static bool Is(string reference) =>
        reference.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || reference.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <exception cref="UserError">It is no such address, names no model, or carries a password or a query.</exception>
    public static Endpoint Parse(string reference)
    {
        const string Hint = "Write it as https://host/v1#model; a key belongs into an environment variable.";
        int hash = reference.IndexOf('#', StringComparison.Ordinal);
        string address = hash < 0 ? reference : reference[..hash];
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new UserError("this is no address of an endpoint", Named(reference), Hint);
        }

        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0)
        {
            // What stands there may be a key: it is not repeated.
            throw new UserError("an endpoint's address carries no password and no query", uri.Host, Hint);
        }

        return hash >= 0 && hash + 1 < reference.Length
            ? new(uri.AbsoluteUri.TrimEnd('/'), reference[(hash + 1)..])
            : throw new UserError("the endpoint names no model", address, Hint);
    }

    /// <summary>Host and port, as a register of terms knows them.</summary>
    public string Host => new Uri(Address).Authority;

    public override string ToString() => $"{Address}#{Model}";

    static string Named(string reference) => reference.Length <= 80 && !reference.Contains('@', StringComparison.Ordinal) ? reference : "the endpoint";
}
