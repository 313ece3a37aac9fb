using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Retort.Guard.Telemetry;

/// <summary>Sends metrics and traces to a collector by OTLP over HTTP, until it is disposed, which sends what waits.</summary>
sealed class TelemetryExport : IDisposable
{
    readonly MeterProvider _meters;
    readonly TracerProvider _traces;

    /// <param name="collector">Such as http://127.0.0.1:4318.</param>
    public TelemetryExport(Uri collector)
    {
        _meters = Sdk.CreateMeterProviderBuilder().AddMeter(GuardTelemetry.Name).AddOtlpExporter(o => To(o, collector, "/v1/metrics")).Build();
        _traces = Sdk.CreateTracerProviderBuilder().AddSource(GuardTelemetry.Name).AddOtlpExporter(o => To(o, collector, "/v1/traces")).Build();
    }

    public void Dispose()
    {
        _meters.Dispose();
        _traces.Dispose();
    }

    static void To(OtlpExporterOptions options, Uri collector, string path) => (options.Protocol, options.Endpoint) = (OtlpExportProtocol.HttpProtobuf, new Uri(collector.AbsoluteUri.TrimEnd('/') + path));
}
