namespace Retort.Distill;

/// <summary>
/// The page's style sheet: system fonts, one column of readable width, charts two abreast where there is room. Text reaches a contrast
/// of 4.5 to 1 on its ground in both schemes, marks 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11). Print takes the light scheme.
/// </summary>
static class ReportStyle
{
    public const string Css =
        """
        :root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2125;--soft:#5a626b;--rule:#e4e1d9;--track:#efede6;
        --student:#0b7268;--twin:#b25208;--teacher:#5b4fa3;--beats:#0b7268;--beats-bg:#e6f3f0;--no:#a33a2c;--no-bg:#faece8;--open:#6a5a1e;--open-bg:#f7f1dc}
        @media (prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1b1f23;--ink:#e9e6df;--soft:#a3abb3;--rule:#2f353b;--track:#272c31;
        --student:#53c7b6;--twin:#f0a460;--teacher:#ada2f2;--beats:#66d3c2;--beats-bg:#142b29;--no:#f2978a;--no-bg:#331f1c;--open:#e3cb78;--open-bg:#2c2715}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
        main{max-width:1040px;margin:0 auto;padding:48px 28px 72px}
        header{margin-bottom:28px}
        .eyebrow{margin:0;color:var(--soft);font-size:13px;letter-spacing:.09em;text-transform:uppercase}
        h1{margin:6px 0 8px;font-size:40px;line-height:1.12;letter-spacing:-.022em;font-weight:680;overflow-wrap:anywhere}
        h2{margin:0 0 4px;font-size:23px;line-height:1.25;letter-spacing:-.012em;font-weight:650}
        h3{margin:0 0 10px;font-size:15px;line-height:1.35;font-weight:640}
        h3.later{margin-top:28px}section>.charts{margin-top:20px}
        p{margin:0 0 12px;max-width:78ch}
        .lead{margin:0;max-width:none;color:var(--soft);overflow-wrap:anywhere}
        .lead b{color:var(--ink);font-weight:600}
        section{margin-top:52px}
        .note{color:var(--soft);font-size:14.5px;margin-bottom:18px}
        .verdict{display:grid;grid-template-columns:minmax(0,1.2fr) minmax(0,1fr);gap:16px 40px;align-items:center;padding:26px 30px;border-radius:14px;background:var(--ground);border:1px solid color-mix(in srgb,var(--tone) 30%,transparent)}
        .verdict.beats{--tone:var(--beats);--ground:var(--beats-bg)}
        .verdict.no{--tone:var(--no);--ground:var(--no-bg)}
        .verdict.open{--tone:var(--open);--ground:var(--open-bg)}
        .verdict .label{margin:0 0 8px;color:var(--tone);font-size:34px;line-height:1.1;letter-spacing:-.015em;font-weight:740}
        .verdict .reason{margin:0 0 8px;font-size:20px;line-height:1.4;font-weight:560}
        .verdict .measured{margin:0;font-size:15.5px}.verdict .measured+.measured{margin-top:8px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:1px;margin-top:20px;background:var(--rule);border:1px solid var(--rule);border-radius:14px;overflow:hidden}
        .tile{background:var(--card);padding:16px 20px}
        .tile dt{color:var(--soft);font-size:13.5px}
        .tile dd{margin:2px 0 0;font-size:26px;line-height:1.2;font-weight:660;letter-spacing:-.015em}
        .tile dd small{display:block;margin-top:3px;color:var(--soft);font-size:13px;font-weight:400;letter-spacing:0}
        .warnings{margin:20px 0 0;padding:14px 20px;list-style:none;border-radius:12px;background:var(--open-bg)}
        .warnings li::before{content:"Warning: ";color:var(--open);font-weight:640}
        .charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px}
        .charts>figure:first-child:has(.group~.group~.group){grid-row:span 2}
        .charts>figure:not(:has(.axis)):has(+figure .diagonal){align-self:start}
        .charts>figure:has(>svg .axis):last-child:nth-child(odd):not(:only-child){grid-column:1/-1;display:grid;grid-template-columns:repeat(2,minmax(0,1fr));grid-template-rows:auto auto 1fr;column-gap:60px}
        .charts>figure:last-child:nth-child(odd):not(:only-child)>svg:has(.axis){grid-column:1;grid-row:1/span 3}
        .charts>figure:has(>svg .axis):last-child:nth-child(odd):not(:only-child)>:not(svg){grid-column:2}
        figure{margin:0;padding:18px 20px 14px;background:var(--card);border:1px solid var(--rule);border-radius:14px;break-inside:avoid}
        .verdict figure{padding:0;background:none;border:0}
        figcaption{margin-top:8px;color:var(--soft);font-size:13.5px;line-height:1.45}
        svg{display:block;width:100%;height:auto;overflow:visible;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        .legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 8px;padding:0;list-style:none;color:var(--soft);font-size:13.5px}
        .legend li{display:flex;align-items:center;gap:7px}
        .legend i{display:block;width:22px;border-top:3px solid}
        .legend .teacher{border-top-style:dotted}.legend .twin{border-top-style:dashed}.legend .longer{border-top-width:2px}
        .student{--role:var(--student)}.twin{--role:var(--twin)}.teacher{--role:var(--teacher)}
        .legend i{border-color:var(--role)}
        .tick,.axis-name{fill:var(--soft)}.value,.group{fill:var(--ink)}.group{font-weight:620}
        .grid{stroke:var(--rule)}.axis{stroke:var(--soft);stroke-opacity:.55}
        .diagonal{stroke:var(--soft);stroke-dasharray:2 4}
        .margin{fill:var(--soft);fill-opacity:.16}
        .line{fill:none;stroke:var(--role);stroke-width:2.6;stroke-linejoin:round;stroke-linecap:round}
        .line.slim{stroke-width:1.6}.line.faint{stroke-width:1;stroke-opacity:.42}
        .line.twin{stroke-dasharray:7 5}.line.twin.faint{stroke-dasharray:4 4}.line.longer{stroke-width:1.8;stroke-dasharray:7 4 1 4}.line.teacher{stroke-dasharray:1.5 5}
        .level{stroke:var(--role);stroke-width:2;stroke-dasharray:1.5 5;stroke-linecap:round}
        .dot{fill:var(--role);stroke:var(--card);stroke-width:1}
        .whisker{fill:none;stroke:var(--tone);stroke-width:3;stroke-linecap:round}.mean{fill:var(--tone)}
        svg .zero,.level.zero{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:none}
        .track{fill:var(--track)}.bar{fill:var(--role)}
        .scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:14px;background:var(--card)}
        table{width:100%;border-collapse:collapse;font-size:15px}
        th,td{padding:9px 16px;text-align:right;vertical-align:baseline;border-top:1px solid var(--rule);white-space:nowrap}
        thead th{white-space:normal}
        thead th{border-top:0;color:var(--soft);font-size:13.5px;font-weight:500;vertical-align:bottom}
        th:first-child,td:first-child{text-align:left;font-weight:500}
        td small,th small{color:var(--soft);font-size:13px;font-weight:400}td small,tbody th small{margin-left:8px}thead small{display:block}
        .difference small{display:inline-block;width:11.2em;text-align:left}
        thead .student,thead .twin,thead .teacher{color:var(--role);font-weight:640}
        .facts th{width:34%;color:var(--soft);white-space:normal}
        .facts td{text-align:left;white-space:normal;overflow-wrap:anywhere}
        .facts tr:first-child>*{border-top:0}
        details{margin-top:14px}
        summary{cursor:pointer;color:var(--soft);font-size:14.5px}
        details .scroll{margin-top:10px}
        .sample{margin-top:18px;padding:18px 20px;background:var(--card);border:1px solid var(--rule);border-radius:14px;break-inside:avoid}
        .sample .prompt{margin:0 0 14px;max-width:none}
        .sample .answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(215px,1fr));gap:16px 22px}
        .answers>div{border-top:3px solid var(--role,var(--soft));padding-top:8px;min-width:0}
        .answers .twin{border-top-style:dashed}.answers .teacher{border-top-style:dotted}
        .answers h4{margin:0 0 3px;color:var(--role,var(--soft));font-size:13px;font-weight:640}
        .text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;font-size:15px;line-height:1.5}
        .prompt .text{font-weight:600}
        code{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
        footer{margin-top:44px;padding-top:16px;border-top:1px solid var(--rule);color:var(--soft);font-size:13.5px}
        @media (max-width:1080px){svg{font-size:15px}.verdict svg{font-size:12px}table{font-size:14px}th,td{padding:7px 9px}th:first-child{padding-left:16px}th:last-child,td:last-child{padding-right:16px}
        tbody th{white-space:normal;min-width:104px}tbody th small{display:block;margin-left:0}thead small{font-size:12px}.difference small{display:block;width:auto;margin-left:0;text-align:right}}
        @media (max-width:900px){.verdict{grid-template-columns:minmax(0,1fr)}.verdict figure{max-width:440px}}
        @media (max-width:700px){main{padding:28px 16px 48px}h1{font-size:30px}section{margin-top:40px}.charts{grid-template-columns:minmax(0,1fr);gap:14px}.charts svg{max-width:520px}
        .charts>figure:has(>svg .axis):last-child:nth-child(odd):not(:only-child){display:block}
        .verdict{padding:20px}.verdict .label{font-size:28px}.verdict .reason{font-size:18px}
        figure{padding:14px 14px 12px}.verdict figure{padding:0}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile{padding:13px 15px}.tile dd{font-size:22px}}
        @media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#ccc;--track:#eee;
        --student:#0b7268;--twin:#b25208;--teacher:#5b4fa3;--beats:#0b7268;--beats-bg:#fff;--no:#a33a2c;--no-bg:#fff;--open:#6a5a1e;--open-bg:#fff}
        body{font-size:10.5pt}main{max-width:none;padding:0}section{margin-top:24pt}h2{break-after:avoid}*{print-color-adjust:exact}details::details-content{content-visibility:visible}}
        """;
}
