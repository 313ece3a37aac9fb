using System.Xml.Linq;
using Retort.Distill;

namespace Retort.Tests.Distill;

public class AdmissionTablesTests
{
    [Fact]
    public void TheSectionShowsEveryReasonAndEverySetAsText()
    {
        AdmissionFacts facts = new(1200, 1100, new Dictionary<Exclusion, int> { [Exclusion.RefusedInWords] = 40, [Exclusion.NearDuplicate] = 60 }, 1150, 13, [new("<b>exam</b>", 250, 3, [new(13, 1, 2, 3, 0.0026), new(8, 10, 20, 25, 0.0217)])]);
        XElement section = XElement.Parse(AdmissionTables.Section(facts).Html);
        string[] cells = [.. section.Descendants().Where(e => e.Name == "td" || e.Name == "th").Select(e => e.Value)];
        Assert.Equal(["refused in words", "40", "3.3 %", "near duplicate", "60", "5.0 %"], cells[6..12]);
        Assert.Equal(["<b>exam</b>", "250", "1, 2", "30.3 %", "10, 20", "252.2 %", "3"], cells[^7..]);
        Assert.Contains("Rows that share 13 words or more are left out.", section.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("Overlap", AdmissionTables.Section(facts with { Contamination = [] }).Html, StringComparison.Ordinal);
    }
}
