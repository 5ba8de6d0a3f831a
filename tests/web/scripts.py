"""What runs before the page's own scripts: browsers that lack something, have something else, or are watched."""

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15"
)
INSTAGRAM = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 Instagram 385.0.0.37.84 (iPhone15,2; iOS 18_5; en_GB; en; scale=3.00; 1179x2556; 734160417)"
)
FACEBOOK = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A.240805.005; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/131.0.6778.39 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/490.0.0.64.81;]"
)

SHARES = """
window.shared = [];
Object.defineProperties(navigator, {
  canShare: {value: (data) => (data?.files ?? []).length > 0},
  share: {value: async (data) => {
    if (!navigator.userActivation.isActive) throw new DOMException("no tap", "NotAllowedError");
    window.shared.push({keys: Object.keys(data), files: await Promise.all((data.files ?? []).map(async (file) => ({
      name: file.name, type: file.type, size: file.size,
    })))});
  }},
});
"""
"""A system share sheet, which Chromium on Linux lacks: it takes files within a tap, and remembers them."""

SHARE_IS_CANCELLED = """
Object.defineProperty(navigator, "canShare", {value: () => true});
Object.defineProperty(navigator, "share", {
  value: async () => { window.sheets = (window.sheets ?? 0) + 1; throw new DOMException("cancelled", "AbortError"); },
});
"""

NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {get() { throw new DOMException("denied", "SecurityError"); }});
"""

FULL_STORAGE = """
Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
"""

NO_FRAMES = """
navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream(0);
"""
"""A camera that is there and shows nothing."""

STREAMS = """
window.streams = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.streams.push(stream);
  return stream;
};
"""
"""Remembers every stream of the camera."""
CAMERA_IS_OFF = """() =>
  window.streams.length > 0 && window.streams.every((s) => s.getTracks().every((t) => t.readyState === "ended"))"""
CAMERA_IS_ON = "() => window.streams.some((s) => s.getTracks().some((t) => t.readyState === 'live'))"

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
  .observe({type: "layout-shift", buffered: true});
"""

NO_FILE_PICKER = "delete window.showSaveFilePicker;"
"""Then a ZIP is made in memory and downloaded, which Playwright can see."""

FILE_PICKER = """
window.written = {};
window.showSaveFilePicker = async (wanted) => ({
  createWritable: async () => {
    const parts = [];
    return new WritableStream({
      write: (part) => { parts.push(part); },
      close: async () => {
        const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
        window.written[wanted.suggestedName] = bytes.toBase64();
      },
    });
  },
});
"""
"""A file that the guest chose to save into, as Chromium has it outside tests."""
