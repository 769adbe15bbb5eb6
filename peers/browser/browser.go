// Package browser drives a real headless Chromium for tests: what a person would
// see, click and hear read out, at any width, light or dark, with and without
// scripts.
//
// It installs nothing: without Chromium or axe-core a test fails in one line that
// says "run make setup"; it never skips. Nothing but this machine can be reached
// from it: every other host name fails to resolve, and the failure is among
// [Tab.Complaints].
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds every step in the browser; a step that takes longer has failed.
const patience = 30 * time.Second

// Path returns the Chromium to use: PREAU_CHROMIUM, or the first of chromium,
// chromium-browser and google-chrome in PATH.
func Path() (string, error) {
	if path := os.Getenv("PREAU_CHROMIUM"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("browser: PREAU_CHROMIUM=%s is not a program", path)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("browser: Chromium is missing: run make setup")
}

// Browser is a running headless Chromium with an empty profile of its own.
type Browser struct {
	ctx context.Context
}

// Start starts Chromium for one test and ends it with the test. Starting takes
// about a second: share one between the pages of a test.
func Start(t testing.TB) *Browser {
	t.Helper()
	return start(t)
}

// StartFilmed is Start for somebody with a camera that shows a moving picture and a
// microphone that hears a beep each second, which every page may use. Without udp it is on a
// line that lets no UDP pass.
func StartFilmed(t testing.TB, udp bool) *Browser {
	t.Helper()
	policy := "default"
	if !udp {
		policy = "disable_non_proxied_udp"
	}
	return start(t,
		chromedp.Flag("force-webrtc-ip-handling-policy", policy),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("allow-loopback-in-peer-connection", true),
	)
}

func start(t testing.TB, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	path, err := Path()
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	options = append(options, more...)
	if os.Geteuid() == 0 {
		// Chromium refuses to run as root with its sandbox.
		options = append(options, chromedp.NoSandbox)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browser: %s did not start: %v", path, err)
	}
	return &Browser{ctx: ctx}
}

// Options says who is looking.
type Options struct {
	Width, Height int    // of the window, in CSS pixels; 1280 × 800 when 0
	Dark          bool   // prefers-color-scheme: dark
	NoScript      bool   // scripts are off
	Lang          string // Accept-Language; "fr" when empty
}

// Tab is one person's window: cookies are shared with no other tab. Its methods
// fail the test when the browser cannot do what they say within 30 s.
type Tab struct {
	t        testing.TB
	ctx      context.Context
	noScript bool

	mu         sync.Mutex
	complaints []string
}

// Tab opens a window of somebody new. It closes with the test.
func (b *Browser) Tab(t testing.TB, o Options) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx, noScript: o.NoScript}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatalf("browser: %v", err)
	}
	if o.Lang == "" {
		o.Lang = "fr"
	}
	// The first use makes the target, which must not end with a time limit.
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetExtraHTTPHeaders,
			network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": o.Lang}})
		return err
	}), scripts(!o.NoScript))
	if err != nil {
		t.Fatalf("browser: new tab: %v", err)
	}
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 800
	}
	tab.Look(o.Width, o.Height, o.Dark)
	return tab
}

// scripts switches the scripts of pages on or off.
func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// hear keeps what a careful person would see in the developer tools: errors,
// refusals by the content security policy, parts of the page that did not load.
// The answer to the page itself is not a complaint: a refusal has a page too.
func (tab *Tab) hear(event any) {
	complaint := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if !strings.Contains(e.Entry.Text, "server responded with a status") {
			complaint = strings.TrimSpace(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	case *cdppage.EventJavascriptDialogOpening:
		complaint = "a dialog: " + e.Message
	case *network.EventResponseReceived:
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
			complaint = fmt.Sprintf("%d for %s", e.Response.Status, e.Response.URL)
		}
	}
	if complaint != "" {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		tab.complaints = append(tab.complaints, complaint)
	}
}

// Complaints returns what the browser has complained about so far.
func (tab *Tab) Complaints() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.complaints)
}

// Context is the chromedp context, for what this package has no word for.
func (tab *Tab) Context() context.Context { return tab.ctx }

// Do runs chromedp actions in order.
func (tab *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("browser: %v\n%s", err, tab.shows())
	}
}

// shows is what the page shows, for whoever reads why a test failed.
func (tab *Tab) shows() string {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + (document.querySelector('main') ?? document.body).innerText + '\\n' + document.activeElement?.outerHTML.slice(0, 200)"))
	if err != nil {
		return "what the page shows cannot be read: " + err.Error()
	}
	return text
}

// Go opens an address and waits until the page is loaded.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	tab.Do(chromedp.Navigate(url))
}

// Click clicks on the first element that a CSS selector names, once it can be
// seen, and waits for the page that follows when the click leads to another one.
// A click that stays on the page is waited for with Wait.
func (tab *Tab) Click(css string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
		if err == nil {
			return
		}
		// A page that is live put another element in its place before the finger was there.
		if !strings.Contains(err.Error(), "Could not find node with given id") {
			tab.t.Fatalf("browser: %v\n%s", err, tab.shows())
		}
	}
}

// Type types text into the first field that a CSS selector names, as keys pressed.
func (tab *Tab) Type(css, text string) {
	tab.t.Helper()
	tab.Do(chromedp.SendKeys(chromedp.CSS(css), text, chromedp.NodeVisible))
}

// keys that are no character, by their name in the page, with the code that Windows has for them.
var keys = map[string]int64{"Enter": 13, "Escape": 27, "Tab": 9, " ": 32, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39}

// Press presses keys where the keyboard is, as a keyboard does: chromedp's own KeyEvent sends a
// letter a second time, even after a page has taken the key. A key is a character or has a name
// of KeyboardEvent.key; "Alt+1" and "Shift+Tab" are pressed with another held down.
func (tab *Tab) Press(names ...string) {
	tab.t.Helper()
	for _, key := range names {
		held := int64(0)
		if rest, ok := strings.CutPrefix(key, "Alt+"); ok {
			key, held = rest, 1
		} else if rest, ok := strings.CutPrefix(key, "Shift+"); ok {
			key, held = rest, 8
		}
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key, WindowsVirtualKeyCode: keys[key], Modifiers: held}
		if held == 1 {
			p.UnmodifiedText, p.Type, p.WindowsVirtualKeyCode = key, input.DispatchKeyEventTypeRawKeyDown, int64(key[0])
		}
		switch key {
		case "Enter":
			p.Text = "\r"
		case "Escape", "Tab", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight":
			p.Text, p.Type = "", input.DispatchKeyEventTypeRawKeyDown
		}
		events := []input.DispatchKeyEventType{p.Type, input.DispatchKeyEventTypeKeyUp}
		if held == 1 { // what a page gives an access key is looked for in the character
			events = []input.DispatchKeyEventType{p.Type, input.DispatchKeyEventTypeChar, input.DispatchKeyEventTypeKeyUp}
		}
		for _, one := range events {
			p.Type = one
			tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p)
				return err
			}))
			if held != 1 {
				p.Text = ""
			}
		}
	}
}

// Wait waits until an element that a CSS selector names can be seen.
func (tab *Tab) Wait(css string) {
	tab.t.Helper()
	tab.Do(chromedp.WaitVisible(chromedp.CSS(css)))
}

// Text returns the text of the first element that a CSS selector names, as it is
// shown, once there is one.
func (tab *Tab) Text(css string) string {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(css)))
	if err != nil {
		tab.t.Fatalf("browser: text of %s: %v", css, err)
	}
	return text
}

// Eval evaluates a JavaScript expression in the page, waits for it when it is a
// promise, and returns its value. In a tab without scripts they are on for that
// long: a promise would otherwise never be kept. The page's own scripts were not
// run when it was loaded, and are not run then.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if tab.noScript {
		tab.Do(scripts(true))
		defer tab.Do(scripts(false))
	}
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("browser: evaluate: %v", err)
	}
	return value
}

// Look changes the size of the window, in CSS pixels, and the colour scheme.
// Movement is reduced, so that a picture taken now is the picture.
func (tab *Tab) Look(width, height int, dark bool) {
	tab.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	tab.Do(chromedp.EmulateViewport(int64(width), int64(height)),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme},
					{Name: "prefers-reduced-motion", Value: "reduce"},
				},
			})
			return err
		}))
}

// Screenshot writes a PNG of the whole page, beyond the window's height, and
// returns its bytes.
func (tab *Tab) Screenshot(file string) []byte {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		tab.t.Fatalf("browser: screenshot: %v", err)
	}
	return picture
}
