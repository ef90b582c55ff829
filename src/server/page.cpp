#include "server/page.h"

namespace wavemt {
namespace {

constexpr std::string_view kPage = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wavemt</title>
<link rel="icon" href="data:,">
<style>
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --pane: #ffffff; --text: #1c2733; --quiet: #5c6b7a; --line: #d5dce3;
  --accent: #1f6f8b; --error: #a62b2b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12181e; --pane: #1a222a; --text: #e4eaf0; --quiet: #93a3b3; --line: #2f3b46;
    --accent: #66b8d4; --error: #f08a8a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem; max-width: 70rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
header, .bar { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; }
header { justify-content: space-between; margin-bottom: 1rem; }
h1 { margin: 0; font-size: 1.25rem; font-weight: 600; letter-spacing: .02em; }
.panes { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pane {
  display: flex; flex-direction: column; min-height: 18rem; background: var(--pane);
  border: 1px solid var(--line); border-radius: .75rem;
}
.pane:focus-within { border-color: var(--accent); }
textarea, output {
  flex: 1; width: 100%; padding: 1rem; border: 0; background: none; color: inherit; resize: vertical;
  font: inherit; font-size: 1.125rem; white-space: pre-wrap; overflow-wrap: anywhere;
}
textarea:focus { outline: none; }
output.old { opacity: .5; }
.bar { justify-content: space-between; padding: .5rem 1rem; border-top: 1px solid var(--line); }
.quiet { color: var(--quiet); font-size: .875rem; }
select, button, input {
  padding: .375rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--pane); color: inherit; font: inherit;
}
button { cursor: pointer; }
button:disabled { cursor: default; opacity: .5; }
:is(select, button, input):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#error { min-height: 1.5rem; margin: 1rem 0 0; color: var(--error); }
#warning { margin: 0; }
form { margin-top: 1rem; }
[hidden] { display: none !important; }
@media (max-width: 40rem) {
  .panes { grid-template-columns: 1fr; }
  .pane { min-height: 12rem; }
}
</style>
</head>
<body>
<header>
  <h1>wavemt</h1>
  <label><span class="quiet">Languages</span> <select id="pair"></select></label>
</header>
<main>
  <div class="panes">
    <section class="pane" aria-label="Text">
      <textarea id="text" dir="auto" autofocus aria-label="Text to translate"
                placeholder="Type or paste a text"></textarea>
      <div class="bar"><span class="quiet" id="count"></span>
        <button type="button" id="clear">Clear</button></div>
    </section>
    <section class="pane" aria-label="Translation">
      <output id="translation" dir="auto" for="text" aria-live="polite"></output>
      <div class="bar"><p class="quiet" id="warning"></p>
        <button type="button" id="copy" disabled>Copy</button></div>
    </section>
  </div>
  <p id="error" role="alert"></p>
  <form id="login" class="bar" hidden>
    <label>Token <input id="token" type="password" autocomplete="current-password"></label>
    <button>Continue</button>
  </form>
</main>
<script>
"use strict";
const at = id => document.getElementById(id);
const pauseMs = 250;
let pairs = [], token = "", timer = 0, running = null;

function show(text, warnings) {
  at("translation").textContent = text;
  at("translation").classList.remove("old");
  at("warning").textContent = warnings.join("; ");
  at("copy").disabled = text === "";
}

async function ask(path, options = {}) {
  const headers = options.body ? {"Content-Type": "application/json"} : {};
  if (token) headers.Authorization = "Bearer " + token;
  const response = await fetch(path, {...options, headers, cache: "no-store"});
  if (response.ok) return response;
  at("login").hidden = response.status !== 401;
  if (response.status === 401) at("token").focus();
  let sentence = "the server answered " + response.status;
  try { sentence = (await response.json()).error || sentence; } catch { /* No JSON. */ }
  throw new Error(sentence);
}

async function translate() {
  // An answer to an older text must not replace that to a newer one.
  if (running) running.abort();
  running = null;
  const text = at("text").value, pair = pairs[at("pair").selectedIndex];
  at("error").textContent = "";
  if (text.trim() === "" || !pair) return show("", []);
  const own = running = new AbortController();
  at("translation").classList.add("old");
  try {
    // As a stream, because the server then notices when nobody waits for it any more.
    const body = JSON.stringify({text, source: pair.source, target: pair.target, stream: true});
    const response = await ask("v1/translate", {method: "POST", body, signal: own.signal});
    const answer = JSON.parse((await response.text()).trim().split("\n").pop());
    if (own !== running) return;
    if (answer.error) throw new Error(answer.error);
    show(answer.text, answer.warnings || []);
  } catch (error) {
    if (own === running && error.name !== "AbortError") at("error").textContent = error.message;
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(translate, pauseMs);
  const length = [...at("text").value].length;
  at("count").textContent = length ? length.toLocaleString() + " characters" : "";
}

async function begin() {
  try {
    const languages = await (await ask("languages")).json();
    const name = code => (languages.find(one => one.code === code) || {name: code}).name;
    pairs = languages.flatMap(one => one.targets.map(target => ({source: one.code, target})));
    at("pair").replaceChildren(...pairs.map(pair =>
      new Option(name(pair.source) + " → " + name(pair.target))));
    at("login").hidden = true;
    at("error").textContent = "";
    translate();
  } catch (error) {
    at("error").textContent = error.message;
  }
}

at("text").addEventListener("input", later);
at("pair").addEventListener("change", translate);
at("clear").addEventListener("click", () => {
  at("text").value = "";
  later();
  at("text").focus();
});
at("copy").addEventListener("click", async () => {
  const text = at("translation").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages without TLS have no clipboard: the text is selected, for the keyboard.
    getSelection().selectAllChildren(at("translation"));
    return;
  }
  at("copy").textContent = "Copied";
  setTimeout(() => at("copy").textContent = "Copy", 1500);
});
at("login").addEventListener("submit", event => {
  event.preventDefault();
  token = at("token").value.trim();
  begin();
});
begin();
</script>
</body>
</html>
)page";

}  // namespace

std::string_view TranslationPage() { return kPage; }

std::string_view TranslationPagePolicy() {
  // The styles and the script are in the page, into which nothing of a request is written.
  return "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
         "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

}  // namespace wavemt
