package status

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/page"
)

//go:embed public.css
var publicStyle string

// style is the page's own style, in the page: a copy on another host needs nothing else.
var style = strings.TrimSpace(publicStyle)

// policy lets the page use its own style and nothing else. It is in the page too, for hosts
// that say nothing of it.
var policy = "default-src 'none'; style-src '" + hash(style) + "'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// policyInPage is without what a page cannot say of itself.
var policyInPage = strings.TrimSuffix(policy, "; frame-ancestors 'none'")

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// styleElement is the style as it stands in the page: byte for byte what the policy allows.
func styleElement() templ.Component { return templ.Raw("<style>" + style + "</style>") }

// places are the addresses that one edition of the page leads to.
type places struct {
	self  string
	other string // the page in the other language
	feed  string
	home  string // empty: nowhere
	copy  bool   // on another host
}

// The files: those without a slash are the copy's, the others are served here.
func copied(name string) bool { return !strings.HasPrefix(name, "/") }

const (
	htmlKind = "text/html; charset=utf-8"
	atomKind = "application/atom+xml; charset=utf-8"
)

// makeFiles writes every edition of a report. s.mu is held.
func (s *Status) makeFiles(f Figures, r Report) error {
	m := &made{figures: f, report: r, files: map[string]file{}}
	for _, lang := range page.Languages() {
		ctx := page.In(context.Background(), s.site, lang)
		copyPage, copyFeed, otherCopy := "index.html", "incidents.atom", "en.html"
		other := "en"
		if lang == "en" {
			copyPage, copyFeed, otherCopy, other = "en.html", "incidents.en.atom", "index.html", "fr"
		}
		for name, at := range map[string]places{
			"/" + lang: {self: "/etat?lang=" + lang, other: "/etat?lang=" + other, feed: "/etat.atom?lang=" + lang, home: "/"},
			copyPage:   {self: copyPage, other: otherCopy, feed: copyFeed, home: s.url, copy: true},
		} {
			var b bytes.Buffer
			if err := publicPage(r, at).Render(ctx, &b); err != nil {
				return err
			}
			m.files[name] = file{htmlKind, b.Bytes()}
		}
		feed, err := s.feed(ctx, r)
		if err != nil {
			return err
		}
		m.files["/atom/"+lang], m.files[copyFeed] = file{atomKind, feed}, file{atomKind, feed}
	}
	s.made.Store(m)
	return nil
}
