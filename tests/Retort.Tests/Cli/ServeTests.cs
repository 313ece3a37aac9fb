using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>The server as a process of its own: it says where it listens, ends in good order, and may be killed under load.</summary>
public sealed class ServeTests : IDisposable
{
    static readonly HttpClient s_http = new();

    readonly Scratch _folder = new();

    public ServeTests() => GuardWorld.Folder(_folder.Folder, template: true, context: 4096);

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AKillUnderLoadLosesNoFileAndAnInterruptEndsInGoodOrder()
    {
        string before = Hash();
        (Process first, string url) = await Begin();
        using (first)
        {
            Task[] load = [.. Enumerable.Range(0, 8).Select(_ => Ask(url, 4000))];
            while (JsonElement.Parse(await s_http.GetStringAsync(url + "/health", Stop)).GetProperty("running").GetInt32() == 0)
            {
            }

            first.Kill();
            await first.WaitForExitAsync(Stop);
            await Assert.ThrowsAnyAsync<Exception>(() => Task.WhenAll(load));
        }

        Assert.Equal(before, Hash());
        (Process second, url) = await Begin();
        using (second)
        {
            await Ask(url, 5);
            ProcessRun.Signal(second, "INT");
            await second.WaitForExitAsync(Stop);
            Assert.Equal(ExitCode.Done, second.ExitCode);
            Assert.Contains("stopping", await second.StandardError.ReadToEndAsync(Stop), StringComparison.Ordinal);
        }

        Assert.Equal(before, Hash());
    }

    [Fact]
    public void WhatCannotBeServedIsRefused()
    {
        DoorRun.Of("serve", _folder["nothing"]).Refused(_folder["nothing"], "no such model");
        DoorRun.Of("serve", _folder.Folder, "--urls", "nonsense").Refused("nonsense", "cannot listen");
        DoorRun.Of("serve", _folder.Folder, "--format", "q5").Refused("--format", "q5 is no format");
        DoorRun.Of("serve", _folder.Folder, "--cascade", _folder.Folder).Refused("--cascade", "needs prompts");
        DoorRun.Of("serve").Refused("MODEL", "nothing to serve");
        DoorRun.Of("serve", _folder.Folder, "--upstream", "http://127.0.0.1:1/v1").Refused("--upstream", "both given");
        DoorRun.Of("serve", "--upstream", "ftp://host/v1").Refused("--upstream", "no address of a service");
        DoorRun.Of("serve", "--upstream", "http://127.0.0.1:1/v1", "--guard", _folder["none.yaml"]).Refused(_folder["none.yaml"], "no such policy");
        DoorRun.Of("serve", "--upstream", "http://127.0.0.1:1/v1", "--urls", "nonsense").Refused("nonsense", "cannot listen");
    }

    /// <summary>A run leaves the prompts it held out beside its student, and a cascade finds them there.</summary>
    [Fact]
    public void ACascadeIsCalibratedByWhatTheRunHeldOut()
    {
        using Scratch run = new();
        string student = run["student"];
        GuardWorld.Folder(Directory.CreateDirectory(student).FullName, template: true, context: 64);
        File.WriteAllText(run["held-out.jsonl"], """{"prompt": "Once"}""" + "\n");
        DoorRun.Of("serve", student + "/", "--cascade", _folder.Folder).Refused("--cascade-prompts", "1 prompts");
    }

    async Task<(Process Process, string Url)> Begin()
    {
        Process process = ProcessRun.Begin("serve", _folder.Folder, "--urls", "http://127.0.0.1:0", "--json");
        StringBuilder json = new();
        while (await process.StandardOutput.ReadLineAsync(Stop) is { } line)
        {
            json.Append(line);
            if (line == "}")
            {
                return (process, JsonElement.Parse(json.ToString()).GetProperty("addresses")[0].GetString()!);
            }
        }

        throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(Stop));
    }

    static async Task Ask(string url, int tokens)
    {
        using HttpResponseMessage response = await s_http.PostAsync(
            url + "/v1/completions", new StringContent(JsonSerializer.Serialize(new { prompt = "Once", max_tokens = tokens }), Encoding.UTF8, "application/json"), Stop);
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsStringAsync(Stop);
    }

    string Hash() => string.Join('\n', Directory.GetFiles(_folder.Folder).Order(StringComparer.Ordinal).Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}"));
}
