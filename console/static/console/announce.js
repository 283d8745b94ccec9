/** Tell it to who listens with a screen reader. */
export function announce(text) {
  document.getElementById("says").textContent = text;
}
