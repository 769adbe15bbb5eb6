package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// What works without a network, on a device that a teacher called theirs: today's page and
// its rolls, kept encrypted by the service worker. Everything that decides whether a device
// keeps anything is in personal.

// ownCookie says whose own device this browser is. It opens nothing.
const ownCookie = "preau_own"

// personal tells whether the viewer said that this device is theirs and may keep pages:
// a teacher, by the switch on their page, never in a session of a shared computer.
func (a *App) personal(r *http.Request, v page.Viewer) bool {
	own, err := r.Cookie(ownCookie)
	return err == nil && own.Value == v.Account && a.mayOwn(r, v)
}

func (a *App) mayOwn(r *http.Request, v page.Viewer) bool {
	return v.Role == page.Teacher && !a.Keeper.OnSharedDevice(r)
}

// viewer is the signed-in person, with what they said of their device.
func (a *App) viewer(r *http.Request) (page.Viewer, bool) {
	v, ok := a.Keeper.Viewer(r)
	v.Personal = ok && a.personal(r, v)
	if ok && v.Role == page.Pupil {
		a.followup.Opened(v.School, v.ID)
	}
	return v, ok
}

func (a *App) registerOffline(secure bool) error {
	worker, err := fs.ReadFile(web.Files(), "worker.js")
	if err != nil {
		return err
	}
	// At the root: a worker sees no page above its own path.
	a.Routes.Handle("GET /worker.js", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(worker))
		return nil
	}, page.FromMemory())
	a.Routes.Handle("GET /offline", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		return page.Show(w, r, http.StatusOK, offlinePage())
	}, page.FromMemory())
	a.Routes.Handle("GET /offline/who", page.Anyone(), a.whose)
	a.Routes.Handle("POST /offline/keep", page.Only(page.Teacher), func(w http.ResponseWriter, r *http.Request) error {
		v, _ := page.ViewerFrom(r.Context())
		own := &http.Cookie{Name: ownCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure}
		if r.PostFormValue("keep") == "yes" {
			if !a.mayOwn(r, v) {
				return page.Forbidden("app.keep.shared")
			}
			own.Value, own.MaxAge = v.Account, int(account.SessionMax/time.Second)
		}
		http.SetCookie(w, own)
		return page.See(w, r, "/")
	})
	return nil
}

// whose tells the script of a device that kept something who is signed in now.
func (a *App) whose(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(map[string]any{"account": v.Account, "personal": v.Personal,
		"label": page.T(r.Context(), "app.kept"), "waits": page.T(r.Context(), "app.kept.signin")})
}

// keptPanel is what the frame says of the viewer's own device; nil on every other.
func keptPanel(v page.Viewer) templ.Component {
	if !v.Personal {
		return nil
	}
	return kept(v.Account)
}

// keptAttrs are the sentences that the script fills in.
func keptAttrs(ctx context.Context, account string) templ.Attributes {
	attrs := templ.Attributes{"data-account": account}
	for _, name := range []string{"waiting", "lost", "copy-offline", "copy-line", "look", "seen", "leave"} {
		attrs["data-"+name] = page.T(ctx, "app.kept."+name, "hour", "{hour}", "turn", "{turn}")
	}
	return attrs
}

// sheetsToKeep are the rolls of today that a device keeps beside this page.
func sheetsToKeep(day []attendance.DaySitting, now time.Time) string {
	var paths []string
	for _, d := range day {
		if !d.Sitting.Cancelled() && (now.Before(d.Sitting.EndsAt) || !d.Called) {
			paths = append(paths, fmt.Sprintf("/roll/%s", d.Sitting.ID))
		}
	}
	return strings.Join(paths, " ")
}
