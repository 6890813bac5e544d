"""How the page of a report looks."""

STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#5d6670;
--line:#e3e6ea;--good:#1a7f4b;--bad:#c02b2b;--odd:#a8650c;
--c1:#2f6fde;--c2:#0f9d8a;--c3:#d9480f;--c4:#8a4fd0;--c5:#8a919b}
@media(prefers-color-scheme:dark){:root{--page:#101317;--card:#181c22;--text:#e6e9ed;--soft:#98a2ae;
--line:#2a3038;--good:#3fbf7f;--bad:#ff6b6b;--odd:#e5a13a;
--c1:#6ea2ff;--c2:#3fd0bb;--c3:#ff8f5a;--c4:#c08bff;--c5:#87909b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 20px 64px;display:grid;gap:18px}
header,section,figure{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:18px 22px;margin:0}
header{border-left:8px solid var(--soft)}
header.passed{border-left-color:var(--good)} header.passed h1{color:var(--good)}
header.failed{border-left-color:var(--bad)} header.failed h1{color:var(--bad)}
header.void,header.threshold{border-left-color:var(--odd)}
header.void h1,header.threshold h1{color:var(--odd)}
header p{margin:2px 0;color:var(--soft)} header b{color:var(--text)}
h1{font-size:34px;line-height:1.15;margin:2px 0 6px;letter-spacing:-.01em}
h2{font-size:17px;margin:0 0 10px}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:16px 18px}
@media(max-width:640px){.tiles{grid-template-columns:repeat(2,1fr)}}
.tiles b{display:block;font-size:26px;font-weight:650;letter-spacing:-.01em;
font-variant-numeric:tabular-nums;white-space:nowrap}
.tiles span{color:var(--soft);font-size:13px}
.charts{background:none;border:0;padding:0;display:grid;
grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));gap:18px}
figure{padding:14px 16px 10px}
figure p{margin:2px 0 0;color:var(--soft);font-size:13px}
figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;justify-content:space-between;margin-bottom:6px}
.legend{color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:0 12px}
.legend span{white-space:nowrap}
.legend span::before{content:"";display:inline-block;width:10px;height:10px;border-radius:3px;
margin-right:5px;background:currentColor}
.legend .c1::before{background:var(--c1)}.legend .c2::before{background:var(--c2)}
.legend .c3::before{background:var(--c3)}.legend .c4::before{background:var(--c4)}
.legend .c5::before{background:var(--c5)}
svg{display:block;width:100%;height:auto;overflow:visible}
svg polyline{fill:none;stroke-width:2;stroke-linejoin:round}
svg polygon{opacity:.16;stroke:none}
polyline.c1{stroke:var(--c1)}polyline.c2{stroke:var(--c2)}polyline.c3{stroke:var(--c3)}
polyline.c4{stroke:var(--c4)}polyline.c5{stroke:var(--c5)}
polygon.c1,circle.c1{fill:var(--c1)}polygon.c2,circle.c2{fill:var(--c2)}
polygon.c3,circle.c3{fill:var(--c3)}circle.c4{fill:var(--c4)}circle.c5{fill:var(--c5)}
.grid{stroke:var(--line);stroke-width:1}
.tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
line.moment{stroke:var(--odd);stroke-dasharray:4 4} text.moment{fill:var(--odd);font-size:12px}
.hover{fill:var(--text);opacity:0} .hover:hover{opacity:.08}
table{border-collapse:collapse;width:100%;font-size:14px}
section{overflow-x:auto}
th{text-align:left;color:var(--soft);font-weight:500}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
.numbers td:not(:first-child):not(:last-child){font-variant-numeric:tabular-nums;white-space:nowrap}
.numbers td:last-child{color:var(--soft);min-width:200px}
.met td:first-child,.missed td:first-child{width:28px}
.met td:first-child{color:var(--good)} .missed td{color:var(--bad)}
code{font:13px ui-monospace,SFMono-Regular,Menlo,monospace}
ul{margin:0;padding-left:20px} li{margin:4px 0}
summary{cursor:pointer;font-weight:600} details[open] summary{margin-bottom:10px}
section p{color:var(--soft)}
@media print{body{background:#fff} header,section,figure{break-inside:avoid}}
"""
