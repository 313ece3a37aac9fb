using Retort.Asking;

namespace Retort.Tests.Asking;

public class EndpointTests
{
    [Theory]
    [InlineData("https://api.example.com/v1#small", "https://api.example.com/v1", "small", "api.example.com")]
    [InlineData("http://127.0.0.1:8080/v1/#org/model:free", "http://127.0.0.1:8080/v1", "org/model:free", "127.0.0.1:8080")]
    public void AnAddressAndAModel(string reference, string address, string model, string host)
    {
        Endpoint endpoint = Endpoint.Parse(reference);
        Assert.Equal((address, model, host), (endpoint.Address, endpoint.Model, endpoint.Host));
        Assert.True(Endpoint.Is(reference));
    }

    [Theory]
    [InlineData("https://api.example.com/v1", "names no model")]
    [InlineData("https://api.example.com/v1#", "names no model")]
    [InlineData("ftp://api.example.com/v1#small", "no address")]
    [InlineData("https://user:sk-secret@api.example.com/v1#small", "carries no password")]
    [InlineData("https://api.example.com/v1?key=sk-secret#small", "carries no password")]
    public void WhatIsNoneIsRefusedAndAKeyNotRepeated(string reference, string what)
    {
        UserError error = Assert.Throws<UserError>(() => Endpoint.Parse(reference));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("models/tales-teacher")]
    [InlineData("model.gguf")]
    public void FilesAreNone(string reference) => Assert.False(Endpoint.Is(reference));
}
