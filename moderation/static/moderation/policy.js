// Thresholds: the chosen model is shown at once, and a preview is in sight when it comes.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("has-script");
    const model = document.querySelector("[data-policy-model] select");
    if (model) {
        model.addEventListener("change", () => model.form.submit());
    }
    const preview = document.getElementById("preview");
    if (preview) {
        preview.focus({ preventScroll: true });
        preview.scrollIntoView({ block: "start" });
    }
});
