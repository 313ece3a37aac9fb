namespace Retort.Distill;

/// <summary>What answering costs at a stated price of a core-hour, and when the distillation has paid for itself.</summary>
/// <param name="Currency">As printed before an amount.</param>
/// <param name="PricePerCoreHour">The stated price.</param>
/// <param name="Cores">Cores a model occupies while it answers.</param>
/// <param name="Distillation">What the whole run cost.</param>
/// <param name="StudentPerMillion">Per million generated tokens.</param>
/// <param name="TeacherPerMillion">Per million generated tokens; null without a teacher.</param>
/// <param name="StudentPerCall">Prompt and answer of the measured lengths.</param>
/// <param name="CallsToBreakEven">Distillation divided by what one call saves; null when a call saves nothing.</param>
public sealed record CostFacts(
    string Currency,
    double PricePerCoreHour,
    int Cores,
    double Distillation,
    double StudentPerMillion,
    double? TeacherPerMillion,
    double StudentPerCall,
    double? TeacherPerCall,
    double? CallsToBreakEven)
{
    /// <summary>Per million = price · cores / 3600 · 10⁶ / rate; per call = price · cores / 3600 · (prompt / prompt rate + answer / decode rate).</summary>
    /// <param name="coreHours">Core-hours the run took, teacher's share included.</param>
    /// <param name="asked">What a teacher's answers cost in money, where one was asked; dollars, so they count only in that currency.</param>
    public static CostFacts Of(SpeedFacts speed, string currency, double pricePerCoreHour, int cores, double coreHours, AskedFacts? asked = null)
    {
        double perSecond = pricePerCoreHour * cores / 3600;
        double PerMillion(ModelSpeed model) => perSecond * 1e6 / model.Decode;
        double PerCall(ModelSpeed model) => perSecond * ((speed.PromptTokens / model.Prompt) + (speed.DecodeTokens / model.Decode));
        asked = currency == "USD" ? asked : null;
        double distillation = (coreHours * pricePerCoreHour) + (double)(asked?.Store.Spent.Dollars ?? 0), student = PerCall(speed.Student);
        double? teacher = speed.Teacher is { } t ? PerCall(t) : asked?.PerCall;
        return new CostFacts(
            currency,
            pricePerCoreHour,
            cores,
            distillation,
            PerMillion(speed.Student),
            speed.Teacher is { } model ? PerMillion(model) : asked?.PerMillion,
            student,
            teacher,
            teacher > student ? Math.Ceiling(distillation / (teacher.Value - student)) : null);
    }
}
