package door

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Cookies of the door. They hold no name.
const (
	seatCookie   = "preau-seat"
	ticketCookie = "preau-line"
)

// lineHeader tells the worker of somebody's own device that this page is their turn, and not
// the one that was asked for.
const lineHeader = "Preau-Line"

// Gate is the door in front of a house's pages.
type Gate struct {
	door   *Door
	pages  map[string]waitingPage
	header http.Header // of the waiting page; its values are nobody's to change
	secure bool
	zone   *time.Location
	free   func(r *http.Request) bool
	waited func(r *http.Request, e Entry)
}

// GateConfig of a Gate. Free tells which requests never wait: what is served from memory,
// and what matters more than anybody's place. Zone is where whoever waits reads the hour.
type GateConfig struct {
	Door   *Door
	Secure bool
	Zone   *time.Location
	Free   func(r *http.Request) bool
	Waited func(r *http.Request, e Entry) // hears of whoever enters after they waited; nil: nobody
}

// NewGate makes one.
func NewGate(c GateConfig) (*Gate, error) {
	pages, policy, err := waitingPages()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Content-Security-Policy": policy,
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", lineHeader: "1"} {
		header.Set(name, value)
	}
	return &Gate{door: c.Door, pages: pages, header: header, secure: c.Secure, zone: c.Zone, free: c.Free, waited: c.Waited}, nil
}

// value is a cookie of ours, whose values have no quotes. The door asks for three at each look,
// and net/http reads and keeps all of them each time.
func value(r *http.Request, name string) string {
	for _, line := range r.Header["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if n, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && n == name {
				return v
			}
		}
	}
	return ""
}

// Around lets in who may, and shows the others their turn.
func (g *Gate) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.free(r) {
			next.ServeHTTP(w, r)
			return
		}
		who := Who{}
		seat, ticket := value(r, seatCookie), value(r, ticketCookie)
		if g.door.who != nil && seat == "" {
			who = g.door.who(r)
		}
		v := g.door.Look(seat, ticket, who)
		if v.Enter {
			if v.Seat != "" {
				g.set(w, seatCookie, v.Seat, seatLife)
				if ticket != "" {
					g.set(w, ticketCookie, "", -1)
				}
			}
			if v.Entry.Waited() {
				r = r.WithContext(context.WithValue(r.Context(), entryKey{}, v.Entry))
				if g.waited != nil {
					g.waited(r, v.Entry)
				}
			}
			next.ServeHTTP(w, r)
			return
		}
		if v.Ticket != "" {
			g.set(w, ticketCookie, v.Ticket, maxKept)
		}
		g.show(w, r, v.Wait)
	})
}

func (g *Gate) set(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: g.secure, SameSite: http.SameSiteLaxMode})
}

// show shows the waiting page. What was posted without a seat is not done: the page says
// that the turn comes, and never that something failed.
func (g *Gate) show(w http.ResponseWriter, r *http.Request, v Wait) {
	maps.Copy(w.Header(), g.header)
	g.pages[language(r)].write(w, v, g.door.now(), g.zone)
}

// Later shows whoever is inside that many ask at once: after a time the page comes by itself.
func (g *Gate) Later(w http.ResponseWriter, r *http.Request, in time.Duration) {
	next := time.Duration(max(1, math.Floor(in.Seconds()+rand.Float64()))) * time.Second          // by lot, as in wait
	g.show(w, r, Wait{Since: 10 * next, Until: next + shortest, Next: next, Rate: g.door.Rate()}) // they are nearly there
}

// Seat names the browser that holds a seat, for as long as it does; empty: it holds none.
func (g *Gate) Seat(r *http.Request) string {
	s, ok := g.door.keys.seat(value(r, seatCookie), g.door.now())
	if !ok {
		return ""
	}
	return strconv.FormatUint(s.id, 36)
}

// entryKey is where the request that enters has its Entry: its browser has no seat yet.
type entryKey struct{}

// EntryOf is the wait of the browser that holds a seat, for as long as it does; false: it holds
// none, or has not waited.
func (g *Gate) EntryOf(r *http.Request) (Entry, bool) {
	if e, ok := r.Context().Value(entryKey{}).(Entry); ok {
		return e, true
	}
	s, ok := g.door.keys.seat(value(r, seatCookie), g.door.now())
	e := Entry{s.id, s.arrived, s.entered}
	return e, ok && e.Waited()
}

// language is what was chosen in this browser, else what it asks for, else French.
func language(r *http.Request) string {
	if chosen := value(r, "preau_language"); chosen != "" {
		if _, ok := languages[chosen]; ok {
			return chosen
		}
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		lang := strings.ToLower(strings.TrimSpace(part))
		if lang, _, _ = strings.Cut(lang, ";"); len(lang) >= 2 {
			if _, ok := languages[lang[:2]]; ok {
				return lang[:2]
			}
		}
	}
	return "fr"
}
