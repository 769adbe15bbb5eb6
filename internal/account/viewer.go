package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// sessionCookie is the name of the session's cookie. Behind https its name begins
// with __Host-: a browser then takes it from this very host only.
func (k *Keeper) sessionCookie() string {
	if k.secure {
		return "__Host-preau"
	}
	return "preau"
}

func (k *Keeper) deviceCookie() string { return k.sessionCookie() + "-device" }

// Viewer finds who is signed in: the function that page.Site asks. A cookie that
// this installation did not sign, or that is over, is answered without the
// database. A database that does not answer is logged, and nobody is signed in.
func (k *Keeper) Viewer(r *http.Request) (page.Viewer, bool) {
	t, ok := k.ticket(r)
	if !ok {
		return page.Viewer{}, false
	}
	var v page.Viewer
	err := k.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var err error
		v, ok, err = k.view(ctx, tx, t)
		return err
	})
	if err != nil {
		if r.Context().Err() == nil || !errors.Is(err, context.Canceled) {
			k.log.ErrorContext(r.Context(), "failed", "what", "who is signed in", "account", t.Account, "error", err)
		}
		return page.Viewer{}, false
	}
	return v, ok
}

func (k *Keeper) view(ctx context.Context, tx database.Tx, t ticket) (page.Viewer, bool, error) {
	s, ok, err := look(ctx, tx, k.clock(), t)
	if err != nil || !ok {
		return page.Viewer{}, false, err
	}
	v := page.Viewer{ID: s.Person, Account: s.Account, School: s.School, Role: s.Role, Name: s.Identifier, Session: t.Session, Proven: s.ProvenAt}
	if s.School == "" {
		return v, true, nil
	}
	school, err := directory.SchoolByID(ctx, tx, s.School)
	if err != nil {
		return page.Viewer{}, false, fmt.Errorf("account %s: school: %w", s.Account, err)
	}
	v.SchoolName = school.Name
	if v.Zone, err = school.Location(); err != nil {
		return page.Viewer{}, false, fmt.Errorf("account %s: %w", s.Account, err)
	}
	// A role that is over stops here, at every request on every node.
	day := k.clock().In(v.Zone).Format(time.DateOnly)
	if !(Period{s.FromOn, s.UntilOn}).holds(day) {
		return page.Viewer{}, false, nil
	}
	if s.Person == "" {
		return v, true, nil
	}
	p, err := directory.PersonByID(ctx, tx, s.School, s.Person)
	if err != nil {
		return page.Viewer{}, false, fmt.Errorf("account %s: person: %w", s.Account, err)
	}
	// Whoever left the school sees nothing of it, whatever their session.
	if p.LeftOn != "" && p.LeftOn <= day {
		return page.Viewer{}, false, nil
	}
	v.Name, v.Lang = p.FirstName+" "+p.LastName, p.Lang
	return v, true, nil
}

// ticket is the session's cookie of a request, signature and end checked.
func (k *Keeper) ticket(r *http.Request) (ticket, bool) {
	for _, c := range r.CookiesNamed(k.sessionCookie()) {
		if t, ok := k.keys.readTicket(c.Value, k.clock()); ok {
			return t, true
		}
	}
	return ticket{}, false
}

// deviceOf is the browser of a request; false: it shows no cookie of ours, and gets a new name.
func (k *Keeper) deviceOf(r *http.Request) (device, bool) {
	for _, c := range r.CookiesNamed(k.deviceCookie()) {
		if d, ok := k.keys.readDevice(c.Value); ok {
			return d, true
		}
	}
	return device{ID: database.NewID()}, false
}

// nameDevice gives a browser without one a name, until it closes: mistakes that are made in it
// are then its own, and not its address's.
func (k *Keeper) nameDevice(w http.ResponseWriter, r *http.Request) {
	if d, ok := k.deviceOf(r); !ok {
		http.SetCookie(w, k.cookie(k.deviceCookie(), k.keys.writeDevice(d), 0))
	}
}

func (k *Keeper) askedCookie() string { return k.sessionCookie() + "-asked" }

// asked is what somebody typed before they were sent back to wait.
func (k *Keeper) asked(r *http.Request) asked {
	for _, c := range r.CookiesNamed(k.askedCookie()) {
		if t, ok := k.keys.readAsked(c.Value, time.Now()); ok {
			return t
		}
	}
	return asked{}
}

func (k *Keeper) cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: k.secure}
}

// welcome sets the cookies of a browser that has just been signed in.
func (k *Keeper) welcome(w http.ResponseWriter, r *http.Request, a Account, s Session, v visitor) {
	if err := k.remember(w, r, a, s.Device); err != nil {
		// They are in all the same, and wait in line like somebody new.
		k.log.ErrorContext(r.Context(), "failed", "what", "the hint of a device", "account", a.ID, "error", err)
	}
	t := ticket{Session: s.ID, Account: a.ID, Ends: s.ExpiresAt, Idle: spanOf(a.Role, s.Device).idle, Shared: s.Device == Shared}
	if s.Device == Shared {
		// No age: the browser forgets it when it closes. And it is not a browser
		// of this person's.
		http.SetCookie(w, k.cookie(k.sessionCookie(), k.keys.writeTicket(t), 0))
		return
	}
	if t.Idle > 0 {
		t.Ends = k.clock().Add(t.Idle)
	}
	http.SetCookie(w, k.cookie(k.sessionCookie(), k.keys.writeTicket(t), t.Ends.Sub(k.clock())))
	k.known(w, a, v.device)
}

// known marks the browser as one that was signed in to this account.
func (k *Keeper) known(w http.ResponseWriter, a Account, d device) {
	http.SetCookie(w, k.cookie(k.deviceCookie(), k.keys.writeDevice(k.keys.remember(d, a)), SessionMax))
}

// ownBefore tells whether a pupil or a guardian said before that this device is their own: the
// form then says so again. Of staff, and where nobody is known, the safest is proposed.
func (k *Keeper) ownBefore(r *http.Request) bool {
	h, ok := k.HintOf(r)
	d, _ := k.deviceOf(r)
	return ok && len(d.Marks) > 0 && (h.Role == page.Pupil || h.Role == page.Guardian)
}

func (k *Keeper) farewell(w http.ResponseWriter) {
	http.SetCookie(w, k.cookie(k.sessionCookie(), "", -time.Second))
}

// Renew keeps people who come back signed in: about once a day it signs their
// cookie anew, for 30 more days (14 where it was a passkey's). It reads and writes nothing: the cookie of a
// session that is over stays worthless however young it is. Put it around
// page.Routes.
func (k *Keeper) Renew(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if t, ok := k.ticket(r); ok {
				if t, ok = t.renewed(k.clock()); ok {
					w = &renewing{ResponseWriter: w, cookie: k.cookie(k.sessionCookie(), k.keys.writeTicket(t), t.Idle)}
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// renewing adds the cookie to an answer that nobody may keep. An asset or the status
// page may be kept by a proxy, and given to others with whatever cookie it came with.
type renewing struct {
	http.ResponseWriter
	cookie *http.Cookie
	done   bool
}

func (w *renewing) WriteHeader(status int) {
	if !w.done && status >= 200 {
		w.done = true
		h := w.Header()
		if strings.Contains(h.Get("Cache-Control"), "no-store") && len(h.Values("Set-Cookie")) == 0 {
			http.SetCookie(w.ResponseWriter, w.cookie)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *renewing) Write(b []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Flush lets a stream of events through.
func (w *renewing) Flush() {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *renewing) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// AccountOf says whose session a request's cookie is of, by its signature alone: the database
// says whether it still is. It is for those who must not ask one.
func (k *Keeper) AccountOf(r *http.Request) (account string, ok bool) {
	t, ok := k.ticket(r)
	return t.Account, ok
}

// Backlog is how long the workers need for the passwords of whoever waits now, and of whoever
// was told to come back.
func (k *Keeper) Backlog() time.Duration { return k.pool.backlog() }
