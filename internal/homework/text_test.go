package homework

import (
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"
)

// hostile are texts that would run something, ask a server elsewhere or leave their place.
var hostile = []string{
	"<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "[a](javascript:alert(1))", "[a](JaVaScRiPt&#58;alert(1))", "[a](java\nscript:alert(1))",
	"[a](data:text/html;base64,PHNjcmlwdD4=)", "![a](https://elsewhere.example/x.png)", "![a](data:image/svg+xml,<svg onload=alert(1)>)", "<svg/onload=alert(1)>", "<a href=\"javascript:alert(1)\">x</a>",
	"[a](vbscript:x)", "[a](/sign-out)", "[a](//elsewhere.example)", "<javascript:alert(1)>", "[a](https://ok.example \"x\\\" onmouseover=alert(1)\")", "<iframe src=https://elsewhere.example>", "<style>body{display:none}</style>", "<form action=/x><input></form>",
	"`<script>`", "```html onclick=x\n<script>alert(1)</script>\n```", "[a]: javascript:alert(1)\n\n[a]", "<!-- --><base href=//x>", "<p style=position:fixed id=main class=btn>x</p>", "# a {onclick=alert(1) #main}", "[a](file:///etc/passwd)", "<math><mtext><script>",
}

// inert fails unless a piece of page holds only elements and attributes that do nothing, and
// links that lead to the web.
func inert(t *testing.T, typed, out string) {
	t.Helper()
	z := nethtml.NewTokenizer(strings.NewReader(out))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			tok := z.Token()
			if !strings.Contains(" p br hr h3 h4 h5 h6 ul ol li em strong code pre blockquote a ", " "+tok.Data+" ") {
				t.Errorf("%q: element %s in %s", typed, tok.Data, out)
			}
			for _, a := range tok.Attr {
				web := strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://")
				if tok.Data != "a" || a.Key != "rel" && (a.Key != "href" || !web) {
					t.Errorf("%q: attribute %s=%q in %s", typed, a.Key, a.Val, out)
				}
			}
		case nethtml.CommentToken, nethtml.DoctypeToken:
			t.Errorf("%q: %s", typed, out)
		}
	}
}

func TestNothingTypedRuns(t *testing.T) {
	t.Parallel()
	for _, typed := range hostile {
		out, err := html(typed)
		if err != nil {
			t.Fatal(err)
		}
		inert(t, typed, out)
	}
}

func TestWhatATextMaySay(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"# Titre":                       "<h3>Titre</h3>",
		"**gras** *mots* `x < y`":       "<p><strong>gras</strong> <em>mots</em> <code>x &lt; y</code></p>",
		"- un\n- deux":                  "<li>deux</li>",
		"[là](https://ecole.example/a)": `<a href="https://ecole.example/a" rel="nofollow noreferrer">là</a>`,
		"1. un":                         "<ol>",
		"> dit":                         "<blockquote>",
	} {
		if out, err := html(typed); err != nil || !strings.Contains(out, want) {
			t.Errorf("%q: %s (%v), want %s", typed, out, err, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		out, err := html(typed)
		if err != nil {
			t.Fatal(err)
		}
		inert(t, typed, out)
	})
}
