/** The document. What it shows is put in by the scripts, as text. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Transaction inspector</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/styles.css">
<script type="module" src="/app.js"></script>
</head>
<body>
<svg class="sprite" aria-hidden="true" focusable="false">
  <symbol id="i-open" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M8 4.8V8l2.2 1.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/></symbol>
  <symbol id="i-visible" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3" fill="currentColor"/><path class="on-mark" d="M5 8.2l2.1 2.1L11 6.2" fill="none" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/></symbol>
  <symbol id="i-rolledBack" viewBox="0 0 16 16"><path d="M3.2 6.2h6a3.4 3.4 0 0 1 0 6.8H6M5.8 3.4L3 6.2 5.8 9" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></symbol>
  <symbol id="i-givenUp" viewBox="0 0 16 16"><path d="M8 1.8l6.6 11.9H1.4z" fill="currentColor" stroke="currentColor" stroke-width="1" stroke-linejoin="round"/><path class="on-mark" d="M8 6v3.4M8 11.6v.2" fill="none" stroke-width="1.6" stroke-linecap="round"/></symbol>
  <symbol id="i-notSent" viewBox="0 0 16 16"><path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/></symbol>
  <symbol id="i-notFound" viewBox="0 0 16 16"><path d="M5.6 6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.8M8 12.4v.2" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/></symbol>
  <symbol id="i-checks" viewBox="0 0 16 16"><path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.6v2.6h-2.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></symbol>
  <symbol id="i-plain" viewBox="0 0 16 16"><circle cx="8" cy="8" r="3.6" fill="none" stroke="currentColor" stroke-width="1.8"/></symbol>
</svg>
<a class="skip" href="#transactions">Skip to the transactions</a>
<header class="top">
  <img class="mark" src="/icon.svg" alt="" width="28" height="28">
  <div>
    <h1>Transaction inspector</h1>
    <p id="source" class="muted">Connecting</p>
  </div>
  <p id="link" class="link" data-state="connecting"><span class="lamp" aria-hidden="true"></span><span id="link-text">Connecting</span></p>
  <button id="pause" type="button" aria-pressed="false" title="Keep the list as it is now">Pause</button>
  <button id="check-now" type="button" hidden>Ask back now</button>
</header>
<noscript><p class="notice">This page needs JavaScript to show what happens.</p></noscript>
<p id="problem" class="notice" role="alert" hidden></p>
<main>
  <section class="overview" aria-labelledby="overview-title">
    <h2 id="overview-title" class="unseen">Overview</h2>
    <dl id="counters" class="counters"></dl>
    <figure class="latency">
      <figcaption><span>Half message to verdict</span> <span id="quantiles" class="muted"></span></figcaption>
      <div id="histogram"></div>
    </figure>
  </section>
  <div id="panes" class="panes">
    <section id="transactions" class="panel" aria-labelledby="list-title" tabindex="-1">
      <div class="bar">
        <h2 id="list-title">Transactions</h2>
        <search class="find">
          <input id="query" type="search" autocomplete="off" spellcheck="false" aria-label="Find by id, key, topic or state" placeholder="Find by id, key, topic …" aria-keyshortcuts="/">
          <fieldset id="states" class="states"><legend class="unseen">State</legend></fieldset>
        </search>
      </div>
      <form id="look-up" class="look-up" hidden>
        <label for="look-up-id">Transaction id</label>
        <input id="look-up-id" autocomplete="off" spellcheck="false" maxlength="256" required>
        <button type="submit">Look up</button>
        <p id="look-up-result" role="status"></p>
      </form>
      <div class="scroll">
        <table id="table" aria-describedby="shown">
          <caption class="unseen">Transactions, the newest first</caption>
          <thead><tr>
            <th scope="col">State</th>
            <th scope="col">Transaction</th>
            <th scope="col" class="number">Check-backs</th>
            <th scope="col" class="number">Started</th>
            <th scope="col" class="number">Took</th>
          </tr></thead>
          <tbody id="rows"></tbody>
        </table>
        <div id="empty" class="empty" hidden></div>
      </div>
      <p id="shown" class="foot muted"></p>
    </section>
    <aside id="detail" class="panel detail" aria-labelledby="detail-title" tabindex="0" hidden></aside>
  </div>
</main>
<footer class="foot muted">
  <p><kbd>/</kbd> finds, <kbd>↑</kbd> <kbd>↓</kbd> go through the list, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes. Times are of this machine.</p>
</footer>
<p id="announcer" class="unseen" role="status" aria-live="polite"></p>
</body>
</html>
`;
