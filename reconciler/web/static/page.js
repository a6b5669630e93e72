// Filter while the reader types, copy ARNs, and refresh the page. The page works without scripts, too.
// The server renders the page. This script fetches it again, and replaces the parts that changed.
"use strict";

const EVERY = 5_000, TYPING = 150, LONGEST = 10_000;
const PARTS = [
  "head", "figures", "attention", "targets", "associations", "unmanaged", "warnings", "timeline", "flow",
];
const form = document.getElementById("find");
const lists = [...form.querySelectorAll("select, fieldset")];
const texts = ["fresh", "count", ...[...form.querySelectorAll("summary span")].map((each) => each.id)];
const changing = [...PARTS, ...lists.map((list) => list.id)];
const seen = new Map(changing.map((id) => [id, document.getElementById(id).innerHTML]));
let underWay = null, shown = {}, typing = 0;

document.documentElement.classList.add("js");

function address() {
  return `${location.pathname}${location.search}`;
}

function wanted() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) asked.append(name, value);
  return `${location.pathname}${asked.size ? `?${asked}` : ""}`;
}

async function show() {
  underWay?.abort();
  const mine = (underWay = new AbortController());
  try {
    const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(LONGEST)]);
    const here = address(), headers = { Accept: "text/html" };
    if (shown.address === here && (shown.isComplete || isInUse())) headers["If-None-Match"] = shown.tag;
    const answer = await fetch(here, { signal, headers });
    if (answer.status === 304) return say("");
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    shown = { address: here, tag: answer.headers.get("ETag"), isComplete: !isInUse() };
    put(fresh);
  } catch (error) {
    if (error.name !== "AbortError") {
      const stood = document.getElementById("fresh").textContent.replace("As of ", "");
      say(`The controller does not answer. This page is out of date: it shows the state at ${stood}.`);
    }
  } finally {
    if (underWay === mine) underWay = null;
  }
}

function say(trouble) {
  const here = document.getElementById("trouble");
  if (here.textContent !== trouble) here.textContent = trouble; // a screen reader repeats a text that is set again
}

// The choices of the filters wait while a filter has the focus, is open, or has just been changed.
function isInUse() {
  return typing !== 0 || form.contains(document.activeElement) || form.querySelector(".menu[open]") !== null;
}

function put(fresh) {
  const place = focused();
  // The server opens the details of a single association: they are not open in another view, unless a reader opens them.
  const open = [...document.querySelectorAll("details[open][id]:not(.own)")].map((each) => each.id);
  const closed = [...document.querySelectorAll("details.own:not([open])")].map((each) => each.id);
  const scrolled = [...document.querySelectorAll(".scroll")].map((each) => [each.id, each.scrollLeft]);
  say("");
  for (const id of texts) text(id, fresh);
  for (const id of PARTS) replace(id, fresh);
  if (!isInUse()) for (const list of lists) choose(list, fresh);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const id of closed) document.getElementById(id)?.removeAttribute("open");
  for (const [id, left] of scrolled) {
    const here = document.getElementById(id);
    if (here && here.scrollLeft !== left) here.scrollLeft = left;
  }
  refocus(place);
}

function replace(id, fresh) {
  const now = fresh.getElementById(id).innerHTML;
  if (now === seen.get(id)) return false;
  seen.set(id, now);
  document.getElementById(id).replaceChildren(...fresh.getElementById(id).childNodes);
  return true;
}

function choose(list, fresh) {
  const chosen = list.value;
  if (replace(list.id, fresh) && chosen) list.value = chosen; // the server has set the check boxes of a fieldset
}

function text(id, fresh) {
  const here = document.getElementById(id), there = fresh.getElementById(id).textContent;
  if (here.textContent !== there) here.textContent = there;
}

// The place of the focus: the nearest element with an id, and the position among its focusable elements.
const CAN = "a[href], button, summary, [tabindex]";

function focused() {
  const element = document.activeElement, near = element?.parentElement?.closest("[id]");
  if (!near || !element.closest("main")) return null;
  return { element, near: near.id, number: [...near.querySelectorAll(CAN)].indexOf(element) };
}

function refocus(place) {
  if (!place || place.element.isConnected) return;
  document.getElementById(place.near)?.querySelectorAll(CAN)[place.number]?.focus({ preventScroll: true });
}

async function copy(button) {
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector(".arn").textContent);
  } catch { // a browser offers the clipboard only over HTTPS or on localhost
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector(".arn"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (document.execCommand("copy")) getSelection().removeAllRanges(); // a selection would pause the refresh
    else done = "Selected";
  }
  label(button, done);
  setTimeout(() => label(button, "Copy"), 2000);
}

function label(button, said) {
  button.setAttribute("aria-label", button.ariaLabel.replace(button.textContent, said));
  button.textContent = said;
}

// A reader may pause the automatic refresh (WCAG 2.2, 2.2.2). The browser keeps the setting until the tab is closed.
const byItself = document.getElementById("by-itself");
byItself.checked = sessionStorage.getItem("by-itself") !== "no";
byItself.addEventListener("change", () => {
  sessionStorage.setItem("by-itself", byItself.checked ? "yes" : "no");
  refresh();
});

function refresh() {
  if (!byItself.checked || document.hidden || underWay) return;
  if (getSelection().isCollapsed) show();
  else say("The page is not refreshed while text is selected."); // a refresh would remove the selection
}

function asked() {
  clearTimeout(typing);
  typing = setTimeout(() => {
    typing = 0;
    history.replaceState(null, "", wanted());
    show();
  }, TYPING);
}

form.addEventListener("input", asked);
form.addEventListener("submit", (event) => { event.preventDefault(); asked(); });
document.addEventListener("click", (event) => {
  for (const menu of form.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const button = event.target.closest(".copy"), link = event.target.closest("a");
  if (button) copy(button);
  else if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) follow(event, link);
});

form.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

form.addEventListener("focusout", (event) => {
  const menu = event.target.closest(".menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// While a filter is open, the page does not become shorter: the filter would move away from the pointer.
form.addEventListener("toggle", () => {
  const isOpen = form.querySelector(".menu[open]") !== null;
  document.body.style.minHeight = isOpen ? `${document.body.offsetHeight}px` : "";
}, true);

// A link to another view of this page: the view is fetched, and the page is not loaded again.
async function follow(event, link) {
  const there = new URL(link.href);
  if (!/^(\?|\.\/)/.test(link.getAttribute("href"))) return;
  event.preventDefault();
  history.pushState(null, "", there.href);
  await look();
  if (there.hash) reveal(document.querySelector(there.hash));
}

function reveal(element) {
  for (let each = element; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  element?.scrollIntoView();
}

function look() {
  clearTimeout(typing);
  typing = 0;
  const asked = new URLSearchParams(location.search);
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = asked.getAll(field.name).includes(field.value);
    else if (field.name) field.value = asked.get(field.name) ?? "";
  }
  document.activeElement?.closest?.("form") && document.activeElement.blur();
  return show();
}

addEventListener("popstate", look);
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
