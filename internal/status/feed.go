package status

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// The feed is Atom (RFC 4287): one entry for each time that something was said.

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  atomAuthor  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Lang string `xml:"xml:lang,attr"`
	Text string `xml:",chardata"`
}

// feed writes what was said in the last days. Its ids stay the same wherever it is copied.
func (s *Status) feed(ctx context.Context, r Report) ([]byte, error) {
	lang := page.Lang(ctx)
	base := s.url
	if base == "" {
		base = "https://preau.invalid" // a feed without an address of its own: ids must be absolute all the same
	}
	f := atomFeed{Lang: lang, ID: base + "/etat.atom?lang=" + lang, Title: "Préau · " + page.T(ctx, "status.title"), Author: atomAuthor{"Préau"}}
	if s.url != "" {
		f.Links = []atomLink{{"self", s.url + "/etat.atom?lang=" + lang}, {"alternate", s.url + "/etat?lang=" + lang}}
	}
	updated := time.Time{}
	for _, i := range slices.Concat(r.Coming, r.Open, r.Past) {
		for _, n := range i.News {
			text, in := n.In(lang)
			title, _, _ := strings.Cut(text, "\n")
			f.Entries = append(f.Entries, atomEntry{
				ID: fmt.Sprintf("%s/etat#%s-%d", base, i.ID, n.N), Title: title, Updated: stamp(n.At),
				Link: atomLink{"alternate", base + "/etat?lang=" + lang}, Content: atomText{"text", in, text + "\n\n" + spell(ctx, i)},
			})
			if n.At.After(updated) {
				updated = n.At
			}
		}
	}
	slices.SortStableFunc(f.Entries, func(a, b atomEntry) int { return strings.Compare(b.Updated, a.Updated) })
	if updated.IsZero() {
		updated = r.At.Truncate(24 * time.Hour) // nothing was said: the feed stays as it is
	}
	f.Updated = stamp(updated)
	b, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// spell is from when until when, in words.
func spell(ctx context.Context, i Incident) string {
	if i.Until.IsZero() {
		return page.T(ctx, "status.since", "from", page.DateHour(ctx, i.From))
	}
	return page.T(ctx, "status.fromuntil", "from", page.DateHour(ctx, i.From), "until", page.DateHour(ctx, i.Until))
}
