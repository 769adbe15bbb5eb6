package account

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Hint is what a browser remembers of whoever signed in with it last: neither their name nor
// their account. It gives a better place in line, and opens nothing.
type Hint struct {
	Role   page.Role
	School string
	Class  string // of a pupil; may be empty
}

// How long a hint is remembered: on a device of one's own; on one that others use too; and
// there, of whoever works in the school, as long as a holiday and the day of return: the
// office's machine is one that others use too, and at eight it must not be a stranger's.
const (
	hintOwn    = 180 * 24 * time.Hour
	hintShared = 12 * time.Hour
	hintWork   = 17 * 24 * time.Hour
)

func (k keys) writeHint(h Hint, ends time.Time) string {
	parts := []string{"1", string(h.Role), strconv.FormatInt(ends.Unix(), 10)}
	for _, id := range []string{h.School, h.Class} {
		parts = append(parts, base64.RawURLEncoding.EncodeToString([]byte(id)))
	}
	return seal(k.hint, strings.Join(parts, "."))
}

func (k keys) readHint(value string, now time.Time) (Hint, bool) {
	text, ok := unseal(k.hint, value)
	if !ok {
		return Hint{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 5 || parts[0] != "1" || !slices.Contains(page.Roles(), page.Role(parts[1])) {
		return Hint{}, false
	}
	end, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || !now.Before(time.Unix(end, 0)) || time.Unix(end, 0).Sub(now) > hintOwn {
		return Hint{}, false
	}
	h := Hint{Role: page.Role(parts[1])}
	for i, to := range []*string{&h.School, &h.Class} {
		id, err := base64.RawURLEncoding.DecodeString(parts[3+i])
		if err != nil {
			return Hint{}, false
		}
		*to = string(id)
	}
	return h, true
}

func (k *Keeper) hintCookie() string { return k.sessionCookie() + "-hint" }

// HintOf is what the browser of a request remembers. It asks no database.
func (k *Keeper) HintOf(r *http.Request) (Hint, bool) {
	for _, c := range r.CookiesNamed(k.hintCookie()) {
		if h, ok := k.keys.readHint(c.Value, k.clock()); ok {
			return h, true
		}
	}
	return Hint{}, false
}

// remember leaves the hint of an account in the browser that it was signed in with.
func (k *Keeper) remember(w http.ResponseWriter, r *http.Request, a Account, on Device) error {
	h := Hint{Role: a.Role, School: a.School}
	if a.Role == page.Pupil {
		err := k.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
			h.Class, err = classNow(ctx, tx, a, k.clock())
			return err
		})
		if err != nil {
			return err
		}
	}
	life := hintOwn
	if on == Shared && page.Staff().Allows(a.Role) {
		life = hintWork
	} else if on == Shared {
		life = hintShared
	}
	value := k.keys.writeHint(h, k.clock().Add(life))
	if len(value) > maxCookie {
		return nil // ids longer than any that we make
	}
	http.SetCookie(w, k.cookie(k.hintCookie(), value, life))
	return nil
}

// classNow is the class of a pupil today; empty: none.
func classNow(ctx context.Context, tx database.Tx, a Account, now time.Time) (string, error) {
	_, day, err := schoolDay(ctx, tx, a.School, now)
	if err != nil {
		return "", err
	}
	of, err := directory.GroupsOf(ctx, tx, a.School, []string{a.Person}, day)
	if err != nil {
		return "", err
	}
	all, err := classes(ctx, tx, a.School)
	if err != nil {
		return "", err
	}
	for _, g := range all {
		if slices.Contains(of[a.Person], g.ID) {
			return g.ID, nil
		}
	}
	return "", nil
}
