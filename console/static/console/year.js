// A day of the year, clicked: what it shall be.

const dialog = document.getElementById("day");

document.querySelector(".year").addEventListener("click", (event) => {
  const day = event.target.closest("[data-day]");
  if (!day || !dialog) return;
  dialog.querySelector("[data-title]").textContent = day.title;
  dialog.querySelector("[name=day]").value = day.dataset.day;
  dialog.querySelector("[name=name]").value = day.dataset.name;
  dialog.showModal();
});
dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());
