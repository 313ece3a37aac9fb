using System.Security.Cryptography;
using System.Text;
using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Terms;

/// <summary>Ten thousand seeded changes to a register's file and to a permission: each is read or refused with a <see cref="UserError"/>, and what is read can be used.</summary>
public sealed class TermsFuzzTests : IDisposable
{
    const int Mutations = 10_000;

    static readonly string[] s_keys = ["id", "teacher", "path", "hosts", "models", "files", "class", "says", "read", "obligations", "notices", "entries", "scope", "contract", "expires", "unknown"];

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Registers()
    {
        (int read, int refused) = (0, 0);
        for (int seed = 0; seed < Mutations; seed++)
        {
            string yaml = YamlMutation.Of(TermsFileTests.Yaml, s_keys, new Random(seed));
            try
            {
                TermsRegister register = TermsRegister.Parse([("terms.yaml", yaml)]);
                Assert.Equal(64, register.Sha256.Length);
                Assert.True(TermsDiff.Between(register, TermsRegister.Parse([("terms.yaml", yaml)])).IsEmpty);
                _ = TermsGate.Check(register, [Sample.Use("api.models.org", model: "large-1"), .. register.Entries.Select(e => Sample.Use("localhost", declared: e.Id))], Sample.Today);
                read++;
            }
            catch (UserError e)
            {
                Assert.Contains("terms.yaml", e.Where, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.True(read > Mutations / 20 && refused > Mutations / 4, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Policies()
    {
        const string Json = """{"data": [{"id": "m", "is_trainable_text": true, "distillationPolicy": {"status": "allowed", "label": "L", "basis": "B", "sourceUrl": "https://models.org", "note": "N"}}]}""";
        (int read, int refused) = (0, 0);
        for (int seed = 0; seed < Mutations; seed++)
        {
            try
            {
                EndpointPolicy? policy = EndpointPolicy.Parse(JsonMutation.Of(Encoding.UTF8.GetBytes(Json), new Random(seed)), "models.json", "m");
                _ = TermsGate.Check(new([Sample.Entry("one")]), [Sample.Use("one.models.org", says: policy)], Sample.Today);
                read++;
            }
            catch (UserError)
            {
                refused++;
            }
        }

        Assert.True(read > Mutations / 20 && refused > Mutations / 4, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Permissions()
    {
        TermsRegister register = new([Sample.Entry("shut", TermsClass.NoCompetingModels)]);
        _scratch.Write("contract.pdf", "We agree.");
        string yaml = PermissionTests.Yaml(Convert.ToHexStringLower(SHA256.HashData("We agree."u8))), path = _scratch["p.yaml"];
        (int read, int refused) = (0, 0);
        for (int seed = 0; seed < Mutations; seed++)
        {
            File.WriteAllText(path, YamlMutation.Of(yaml, s_keys, new Random(seed)));
            try
            {
                TermsPermission permission = PermissionFile.Read(path, register);
                _ = TermsGate.Check(register, [Sample.Use("shut.models.org")], Sample.Today, permissions: [permission]);
                read++;
            }
            catch (UserError)
            {
                refused++;
            }
        }

        Assert.True(read > Mutations / 20 && refused > Mutations / 4, $"{read} read, {refused} refused");
    }
}
