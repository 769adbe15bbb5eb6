package page_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one headless Chromium for a test.
type browser struct{ ctx context.Context }

// newBrowser starts Chromium. Without one the test fails.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium on this machine: run make setup")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{ctx}
}

// tab is one opened page with what the browser complained about.
type tab struct {
	ctx   context.Context
	close func()

	mu         sync.Mutex
	complaints []string
}

// open shows url to somebody ("" is nobody) at that width, and waits until it is
// drawn.
func (b *browser) open(t testing.TB, url, as string, width int64, dark bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	seen := &tab{ctx: ctx, close: cancel}
	err := chromedp.Listen(ctx, func(event any) {
		complaint := ""
		switch e := event.(type) {
		case *log.EventEntryAdded:
			complaint = e.Entry.Text
		case *runtime.EventExceptionThrown:
			complaint = e.ExceptionDetails.Text
		}
		// The status of a page of refusal is no complaint.
		if complaint == "" || strings.Contains(complaint, "server responded with a status") {
			return
		}
		seen.mu.Lock()
		defer seen.mu.Unlock()
		seen.complaints = append(seen.complaints, complaint)
	})
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	setup := func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, target, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
			Headers: network.Headers{"Accept-Language": "fr"},
		}); err != nil {
			return err
		}
		if as == "" {
			return nil
		}
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: as, URL: url})
		return err
	}
	limited, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	if err := chromedp.Do(limited, chromedp.EmulateViewport(width, 800), chromedp.Func(setup),
		chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	return seen
}

func (s *tab) picture(t testing.TB) []byte {
	t.Helper()
	picture, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// eval runs script, a promise or a value that JSON can hold, into into.
func (s *tab) eval(t testing.TB, script string, into any) {
	t.Helper()
	text, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](
		"Promise.resolve("+script+").then((v) => JSON.stringify(v ?? null))", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("in the page: %v", err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("in the page: %v", err)
	}
}

func (s *tab) complained() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.complaints...)
}
