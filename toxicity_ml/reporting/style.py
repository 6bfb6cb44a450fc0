"""The page's style: the reader's light or dark, any width, no file beside the page."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2127;--paper:#fff;--faint:#5b6570;--line:#d9dee3;--accent:#3b82c4;
--soft:#f3f5f7;--mark:#ffe59a;--bad:#b3261e;--good:#1d7a3e}
@media(prefers-color-scheme:dark){:root{--ink:#e3e7eb;--paper:#14181c;--faint:#9aa5b0;--line:#333b43;
--soft:#1d2329;--mark:#6b5510;--bad:#ff8a80;--good:#7ad69a}}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:var(--paper);
max-width:78rem;margin:0 auto;padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:.2rem 0}h2{font-size:1.3rem;margin:2.6rem 0 .4rem;
border-top:1px solid var(--line);padding-top:1.2rem}h3{font-size:1.08rem;margin:1.8rem 0 .3rem}
p{max-width:46rem;margin:.5rem 0}.lead,figcaption,caption,small,nav{color:var(--faint)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;list-style:none}a{color:var(--accent)}
.wide{overflow-x:auto;margin:.7rem 0;max-width:100%}
table{border-collapse:collapse;font-size:.9rem}caption{text-align:left;padding:.2rem 0;caption-side:top}
td,th{padding:.32rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{white-space:nowrap;color:var(--faint);font-weight:600}tbody th{font-weight:600;overflow-wrap:normal;
min-width:8.5rem;position:sticky;left:0;background:var(--paper)}
td{font-variant-numeric:tabular-nums;overflow-wrap:normal}td.n{white-space:nowrap}td.sentence{min-width:16rem}
td i{color:var(--faint)}
small{font-size:.82em}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:.8rem 1.2rem}
figure{margin:.4rem 0}figure svg{width:100%;max-width:30rem;height:auto;display:block}
svg text{font-family:system-ui,sans-serif}svg *{stroke-linejoin:round}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;list-style:none}
.key span{display:inline-block;width:1.3rem;height:.28rem;border-radius:2px;margin-right:.45rem;
vertical-align:middle}
.share{display:inline-block;padding:0 .35rem;margin:0 -.35rem;border-radius:3px;
background:color-mix(in srgb,var(--accent) calc(var(--share)*55%),transparent)}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}
details{margin:.8rem 0}summary{cursor:pointer;font-weight:600}
.mistakes{list-style:none;padding:0}.mistakes li{border:1px solid var(--line);border-radius:6px;
padding:.6rem .8rem;margin:.6rem 0;background:var(--soft)}
.mistakes blockquote{margin:.4rem 0 0;white-space:pre-wrap;max-height:16rem;overflow:auto}
.mistakes p{margin:.1rem 0}mark{background:var(--mark);color:inherit;border-radius:2px;padding:0 .1rem}
.chip{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .55rem;
margin:.1rem .3rem .1rem 0;font-size:.82rem;background:var(--paper)}
.hidden-character{border:1px dotted var(--faint);border-radius:3px;padding:0 .2rem;font-size:.75em;
color:var(--faint)}
dl{max-width:46rem}dt{font-weight:600;margin-top:.5rem}dd{margin:0}
@media print{body{max-width:none}details>*{display:block}.mistakes li{break-inside:avoid}}
"""
