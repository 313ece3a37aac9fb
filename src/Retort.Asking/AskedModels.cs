using Microsoft.Extensions.AI;
using Retort.Evidence.Terms;

namespace Retort.Asking;

/// <summary>A teacher with all that asking it takes.</summary>
/// <param name="Price">Null where nobody says what its tokens cost.</param>
/// <param name="Client">Who is asked.</param>
/// <param name="Remote">The same where it is the endpoint itself; null where another client stands for it.</param>
sealed record AskedModel(Endpoint Teacher, Price? Price, IChatClient Client, RemoteModel? Remote, AskOptions Options);

/// <summary>The teachers of a recipe, ready to be asked.</summary>
sealed class AskedModels(IReadOnlyList<AskedModel> all) : IDisposable
{
    public IReadOnlyList<AskedModel> All { get; } = all;

    /// <param name="prices">Of each teacher in turn.</param>
    /// <param name="keys">The same.</param>
    /// <param name="terms">Which lets all of them be asked.</param>
    /// <param name="other">Who is asked in their place; null for themselves.</param>
    public static AskedModels Of(AskRecipe recipe, IReadOnlyList<Price?> prices, IReadOnlyList<string?> keys, TermsVerdict terms, IChatClient? other, Transcripts store, TimeProvider time) => new(
    [
        .. recipe.Teachers.Select((teacher, i) =>
        {
            RemoteModel? remote = other is null ? new(teacher.Model, keys[i], recipe.Timeout, recipe.InFlight, time) : null;
            CheckedUse use = terms.Uses.First(u => u.Use.Role == TermsRole.Teacher && u.Use.Model.Reference == teacher.Model.ToString());
            return new AskedModel(
                teacher.Model, prices[i], other ?? remote!, remote,
                new(
                    recipe.InFlight, recipe.Attempts, recipe.Ceiling, recipe.RequestsPerMinute, recipe.TokensPerMinute, Terms: use.Basis, Account: keys[i] is { } key ? store.Account(key) : null));
        }),
    ]);

    public void Dispose()
    {
        foreach (AskedModel model in All)
        {
            model.Remote?.Dispose();
        }
    }
}
