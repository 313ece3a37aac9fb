using System.Text.Json;

namespace Retort.Guard.OpenAi;

/// <summary>A refusal in the form OpenAI's clients read.</summary>
/// <param name="Status">HTTP's.</param>
/// <param name="Type">invalid_request_error, rate_limit_error, permission_error, not_found_error or server_error.</param>
/// <param name="Code">A word for programs, or null.</param>
/// <param name="Parameter">The field at fault, or null.</param>
/// <param name="Headers">What the response carries besides; null for nothing.</param>
sealed record ApiError(int Status, string Message, string Type = "invalid_request_error", string? Code = null, string? Parameter = null, IReadOnlyList<KeyValuePair<string, string>>? Headers = null)
{
    public byte[] Body => JsonSerializer.SerializeToUtf8Bytes(new { error = new { message = Message, type = Type, param = Parameter, code = Code } });
}

/// <summary>A request that breaks a rule of the interface; the host answers with its error.</summary>
sealed class RequestException(ApiError error) : Exception(error.Message)
{
    public ApiError Error => error;
}
