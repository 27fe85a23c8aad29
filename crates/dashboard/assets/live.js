// Keeps the live page going: rows come ready-made (and escaped) from the collector, one per event.
"use strict";

(() => {
  const rows = document.getElementById("live");
  const state = document.getElementById("live-state");
  const pause = document.getElementById("live-pause");
  const empty = document.getElementById("live-empty");
  if (!rows || !state || !pause || !window.EventSource) return;

  const KEPT = 300;
  let waiting = [];
  let paused = false;
  let connected = false;
  let ended = false;

  const say = () => {
    const text = paused
      ? `Paused; ${waiting.length} waiting.`
      : connected ? "Showing calls as they arrive."
        : ended ? "The connection has ended; load the page again." : "The connection is lost; trying again.";
    if (state.textContent !== text) state.textContent = text;
  };

  const show = (row) => {
    const template = document.createElement("template");
    template.innerHTML = row;
    for (const element of template.content.children) element.classList.add("fresh");
    rows.prepend(template.content);
    while (rows.rows.length > KEPT) rows.deleteRow(-1);
    if (empty) empty.hidden = true;
  };

  const source = new EventSource(rows.dataset.source);
  source.addEventListener("open", () => { connected = true; say(); });
  source.addEventListener("error", () => { 
    connected = false;
    ended = source.readyState === EventSource.CLOSED;
    say();
  });
  source.addEventListener("call", (event) => {
    if (paused) {
      waiting.push(event.data);
      if (waiting.length > KEPT) waiting.shift();
      say();
    } else {
      show(event.data);
    }
  });

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) {
      waiting.forEach(show);
      waiting = [];
    }
    say();
  });
})();
