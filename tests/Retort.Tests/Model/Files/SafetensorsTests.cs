using System.Buffers.Binary;
using Retort.Model.Files;

namespace Retort.Tests.Model.Files;

public sealed class SafetensorsTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(NumberType.F32, 0)]
    [InlineData(NumberType.F16, 1.0 / 2048)]
    [InlineData(NumberType.BF16, 1.0 / 256)]
    public void WhatIsWrittenIsReadWithinTheTypesRounding(NumberType type, double relative)
    {
        // More than one chunk of 65,536.
        float[] values = [.. Enumerable.Range(0, 70_000).Select(i => MathF.Sin(i) * 3)];
        string path = _scratch["w.safetensors"];
        SafetensorsWriter.Write(path, [new("a", [2], new float[] { 1, -2 }), new("b.c", [700, 100], values), new("empty", [0, 3], default)], type);

        using Safetensors file = Safetensors.Open(path);
        float[] read = new float[values.Length], tail = new float[10];
        file.Read(file.Get("b.c"), read);
        file.Read(file.Get("b.c"), tail, values.Length - 10);

        Assert.Equal(["a", "b.c", "empty"], file.Entries.Select(e => e.Name).Order());
        Assert.Equal([700, 100], file.Get("b.c").Shape);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(0, file.Get("a").Start % 8);
        Assert.Equal(read[^10..], tail);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.InRange(Math.Abs(read[i] - values[i]), 0, Math.Max(Math.Abs(values[i]) * relative, relative == 0 ? 0 : 1e-7));
        }
    }

    [Fact]
    public void AValueBeyondTheTypeIsRefusedAndLeavesNothing()
    {
        UserError e = Assert.Throws<UserError>(() => SafetensorsWriter.Write(_scratch["w.safetensors"], [new("big", [1], new[] { 70000f })], NumberType.F16));
        Assert.Contains("big holds 70000", e.What, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_scratch.Folder));
    }

    [Fact]
    public void ACancelledWriteLeavesWhatWasThere()
    {
        string path = _scratch.Write("w.safetensors", "before");
        Assert.Throws<OperationCanceledException>(() => SafetensorsWriter.Write(path, [new("a", [1], new float[1])], NumberType.F32, new CancellationToken(canceled: true)));
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_scratch.Folder));
    }

    [Fact]
    public void ReadsTypedArraysOfTheStoredTypeOnly()
    {
        byte[] bytes = Scratch.Joined("""{"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"l":{"dtype":"I64","shape":[],"data_offsets":[8,16]},"i":{"dtype":"I32","shape":[2],"data_offsets":[16,24]}}""", 24);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(bytes.Length - 24), 0.1);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(bytes.Length - 16), long.MinValue);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), -3);
        using Safetensors file = Safetensors.Open(_scratch.Write("a.safetensors", bytes));

        Assert.Equal([0.1], file.ReadArray<double>("d"));
        Assert.Equal([long.MinValue], file.ReadArray<long>("l"));
        Assert.Equal([0, -3], file.ReadArray<int>("i"));
        Assert.Throws<UserError>(() => file.ReadArray<float>("d"));
        Assert.Throws<UserError>(() => file.ReadArray<float>("none"));
        Assert.Throws<UserError>(() => file.Read(file.Get("l"), new float[1]));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "12 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "not where")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not where")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "broken")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "data_offsets is")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "data_offsets is")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "shape is")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", 0, "shape is")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 0, "data_offsets is")]
    [InlineData("""{"a":{"dtype":"Q8","shape":[1],"data_offsets":[0,4]}}""", 4, "dtype is Q8")]
    [InlineData("""{"a":{"dtype":"0","shape":[1],"data_offsets":[0,4]}}""", 4, "dtype is 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "shape is 1")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "shape is missing")]
    [InlineData("""{"a":7}""", 0, "is 7")]
    [InlineData("""{"\ud800":{}}""", 0, "broken")]
    [InlineData("""{"__metadata__":{"x":1}}""", 0, "metadata x")]
    [InlineData("[]", 0, "not an object")]
    [InlineData("{", 0, "broken")]
    public void EveryRuleOfTheFormatIsHeld(string header, int dataBytes, string what)
    {
        string path = _scratch.Safetensors(header, dataBytes);
        UserError e = Assert.Throws<UserError>(() => Safetensors.Open(path));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith(path, e.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}' })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, (byte)'{', (byte)'}' })]
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28 })]
    public void ABrokenBeginningIsRefused(byte[] content) => Assert.Throws<UserError>(() => Safetensors.Open(_scratch.Write("a.safetensors", content)));

    [Fact]
    public void AMissingFileAndAFolderAreRefused()
    {
        Assert.Contains("no such file", Assert.Throws<UserError>(() => Safetensors.Open(_scratch["none"])).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => Safetensors.Open(_scratch.Folder));
    }
}
