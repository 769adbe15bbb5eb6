package account

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// RollSignIn is where whoever has a class now signs in beside the line, at whatever browser:
// see ClaimOf.
const RollSignIn = "/sign-in/roll"

// ClaimOf is who somebody says they are who signs in at RollSignIn: an identifier as it is
// kept. Nothing is proven by it.
func ClaimOf(r *http.Request) (identifier string, ok bool) {
	if r.Method != http.MethodPost || r.URL.Path != RollSignIn || r.ContentLength < 0 || r.ContentLength > mostClaim || r.ParseForm() != nil {
		return "", false
	}
	return foldIdentifier(r.PostForm.Get("identifier")), true
}

// mostClaim is how many bytes the form of RollSignIn has at most: it is read before the door.
const mostClaim = 4 << 10

// Register mounts the pages of signing in, of one's own account, and of letters.
func (k *Keeper) Register(routes *page.Routes) {
	small := page.Body(16 << 10)
	routes.Handle("GET /sign-in", page.Anyone(), k.showSignIn)
	routes.Handle("POST /sign-in", page.Anyone(), k.takeSignIn, small)
	routes.Handle("GET "+RollSignIn, page.Anyone(), k.showSignIn)
	routes.Handle("POST "+RollSignIn, page.Anyone(), k.takeSignIn, small)
	routes.Handle("POST /sign-in/passkey", page.Anyone(), k.takePasskeySignIn, small)
	// The door's page comes back to the address that was posted to.
	routes.Handle("GET /sign-in/passkey", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error { return page.See(w, r, "/sign-in") })
	routes.Handle("POST /sign-out", page.Anyone(), k.takeSignOut, small)
	routes.Handle("GET /first-sign-in", page.Anyone(), k.showFirst)
	routes.Handle("POST /first-sign-in", page.Anyone(), k.takeFirst, small)
	routes.Handle("GET /account", page.SignedIn(), k.showAccount)
	routes.Handle("POST /account", page.SignedIn(), k.takeAccount, small)
	routes.Handle("POST /account/again", page.SignedIn(), k.takeAgain, small)
	issuers := page.Only(page.Operator, page.Head, page.CPE, page.Secretary)
	routes.Handle("GET /people/{account}/letter", issuers, k.showLetter)
	routes.Handle("POST /people/{account}/code", issuers, k.takeCode, small, page.Again())
}

// busyWait is in how many seconds whoever was sent away asks again.
const busyWait = 4

// turn shows whoever finds too many passwords waiting that their turn comes; false: there
// is nothing to show it with, and the form says it itself.
func (k *Keeper) turn(w http.ResponseWriter, r *http.Request, err error) bool {
	if k.full == nil || !errors.Is(err, ErrBusy) {
		return false
	}
	k.full(w, r, k.pool.again())
	return true
}

// problem is what keeps somebody out, as a page says it.
type problem struct {
	status int
	title  string
	text   string
}

// problemOf turns a known error into what the page says; false for a failure of
// ours. It sets Retry-After where waiting helps.
func (k *Keeper) problemOf(w http.ResponseWriter, r *http.Request, err error) (problem, bool) {
	ctx := r.Context()
	wait, waits := errors.AsType[*WaitError](err)
	text := ""
	if waits {
		left := max(time.Second, wait.Until.Sub(k.clock()))
		w.Header().Set("Retry-After", strconv.Itoa(int((left+time.Second-1)/time.Second)))
		text = page.T(ctx, "account.wait.text", "left", howLong(ctx, left))
	}
	switch {
	case errors.Is(err, ErrWrong):
		if !waits {
			text = page.T(ctx, "account.wrong.text")
		}
		return problem{http.StatusUnauthorized, page.T(ctx, "account.wrong.title"), text}, true
	case waits:
		if wait.Many {
			return problem{http.StatusTooManyRequests, page.T(ctx, "account.many.title"), page.T(ctx, "account.many.text", "left", howLong(ctx, max(time.Second, wait.Until.Sub(k.clock()))))}, true
		}
		return problem{http.StatusTooManyRequests, page.T(ctx, "account.wait.title"), text}, true
	case errors.Is(err, ErrBusy):
		// Not a failure: their turn comes, and nobody may take it for one.
		w.Header().Set("Retry-After", strconv.Itoa(busyWait))
		return problem{http.StatusOK, page.T(ctx, "account.busy.title"), page.T(ctx, "account.busy.text")}, true
	case errors.Is(err, ErrPasskey):
		return problem{http.StatusUnauthorized, page.T(ctx, "account.passkey.title"), page.T(ctx, "account.passkey.text")}, true
	case errors.Is(err, ErrDisabled):
		return problem{http.StatusForbidden, page.T(ctx, "account.disabled.title"), page.T(ctx, "account.disabled.text")}, true
	case errors.Is(err, ErrPeriod):
		return problem{http.StatusForbidden, page.T(ctx, "account.period.title"), page.T(ctx, "account.period.text")}, true
	case errors.Is(err, ErrCode):
		return problem{http.StatusUnprocessableEntity, page.T(ctx, "account.code.title"), page.T(ctx, "account.code.text")}, true
	}
	return problem{}, false
}

// howLong writes a wait, rounded up: nobody comes back too early.
func howLong(ctx context.Context, d time.Duration) string {
	if s := int((d + time.Second - 1) / time.Second); s < 60 {
		return page.T(ctx, "account.seconds", "n", s)
	}
	return page.T(ctx, "account.minutes", "n", int((d+time.Minute-1)/time.Minute))
}

type signInForm struct {
	Identifier string
	Next       string
	Own        bool // this device is theirs alone
	Roll       bool // it is the form of RollSignIn
	Back       bool // it comes back to whoever was sent away, and the password is to be typed again
	Problem    problem
	Question   string // to a device that has a passkey, JSON; empty: there are none here
}

func onDevice(own bool) Device {
	if own {
		return Own
	}
	return Shared
}

// To is where the form goes. It names the page that follows: whoever is sent back to wait
// comes back to this address.
func (f signInForm) To() string {
	switch {
	case f.Roll:
		return RollSignIn
	case f.Next == "/":
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(f.Next)
}

func (k *Keeper) showSignIn(w http.ResponseWriter, r *http.Request) error {
	next := page.Local(r.URL.Query().Get("next"))
	if _, ok := page.ViewerFrom(r.Context()); ok {
		return page.See(w, r, next)
	}
	before := k.asked(r)
	k.nameDevice(w, r)
	own := before.Own
	if before.Identifier == "" {
		own = k.ownBefore(r)
	}
	question, err := k.questionAtSignIn(w, r)
	if err != nil {
		return err
	}
	return private(w, r, http.StatusOK, signInPage(signInForm{Next: next, Identifier: before.Identifier, Own: own, Back: before.Identifier != "", Question: question, Roll: r.URL.Path == RollSignIn}))
}

func (k *Keeper) takeSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	form := signInForm{Identifier: r.PostForm.Get("identifier"), Next: page.Local(r.PostForm.Get("next")), Own: r.PostForm.Get("device") == "own", Roll: r.URL.Path == RollSignIn}
	v := k.visitor(r)
	v.on = onDevice(form.Own)
	before := k.asked(r)
	if before.Identifier == form.Identifier {
		v.since = before.Since
	}
	a, s, err := k.signIn(r.Context(), form.Identifier, r.PostForm.Get("password"), v)
	if errors.Is(err, ErrBusy) {
		k.keepAsked(w, form, v.since)
		if k.turn(w, r, err) {
			return nil
		}
	}
	if err != nil {
		known := false
		if form.Problem, known = k.problemOf(w, r, err); !known {
			return err
		}
		return private(w, r, form.Problem.status, signInPage(form))
	}
	k.log.InfoContext(r.Context(), "signed in", "account", a.ID, "school", a.School)
	if before.Identifier != "" {
		http.SetCookie(w, k.cookie(k.askedCookie(), "", -time.Second))
	}
	k.welcome(w, r, a, s, v)
	return page.See(w, r, form.Next)
}

// keepAsked keeps, for two minutes, what the form that comes back is filled with, and since
// when its person waits. The password is not kept.
func (k *Keeper) keepAsked(w http.ResponseWriter, f signInForm, since time.Time) {
	if len(f.Identifier) > 2*maxIdentifier {
		return
	}
	if since.IsZero() {
		since = time.Now()
	}
	http.SetCookie(w, k.cookie(k.askedCookie(), k.keys.writeAsked(asked{Identifier: f.Identifier, Own: f.Own, Since: since}), askedLife))
}

// visitor is the browser of a request.
func (k *Keeper) visitor(r *http.Request) visitor {
	v := visitor{browser: browserName(r.UserAgent()), client: client{address: addressOf(r)}}
	named := false
	if v.device, named = k.deviceOf(r); named {
		v.client.browser = append(v.client.browser, v.device.ID)
	}
	if k.seat != nil {
		// A seat alone is no browser: whoever got one by posting was never on the page.
		if seat := k.seat(r); seat != "" && named {
			v.client.browser = append(v.client.browser, "seat "+seat)
		}
	}
	if k.wait != nil {
		v.wait, _ = k.wait(r)
	}
	v.old, _ = k.ticket(r)
	return v
}

func (k *Keeper) takeSignOut(w http.ResponseWriter, r *http.Request) error {
	if t, ok := k.ticket(r); ok {
		err := k.db.Write(r.Context(), func(ctx context.Context, tx database.Tx) error {
			return endSession(ctx, tx, k.clock(), t.Account, t.Session)
		})
		if err != nil {
			return err
		}
	}
	k.farewell(w)
	return page.See(w, r, "/")
}

type firstForm struct {
	Code       string
	Identifier string // of the code's account; empty as long as no good code was typed
	Problem    problem
	Password   string // what is wrong with it
	Again      string // what is wrong with the second one
	Own        bool   // this device is theirs alone
}

func (k *Keeper) showFirst(w http.ResponseWriter, r *http.Request) error {
	return private(w, r, http.StatusOK, firstPage(firstForm{}))
}

// takeFirst takes the code alone, then the code again with a password.
func (k *Keeper) takeFirst(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	ctx := r.Context()
	form := firstForm{Code: r.PostForm.Get("code")}
	fail := func(a Account, err error) error {
		if k.turn(w, r, err) {
			return nil
		}
		if wrong, known := k.problemOf(w, r, err); known {
			form.Problem = wrong
			if !errors.Is(err, ErrCode) {
				form.Identifier = a.Identifier
			}
			return private(w, r, wrong.status, firstPage(form))
		}
		form.Identifier = a.Identifier
		form.Password, form.Again = page.FieldError(ctx, err, "password"), page.FieldError(ctx, err, "again")
		if form.Password == "" && form.Again == "" {
			return err
		}
		return private(w, r, http.StatusUnprocessableEntity, choosePage(form))
	}
	if r.PostForm.Get("step") != "choose" {
		a, err := k.byCode(ctx, form.Code)
		if err != nil {
			k.refused(ctx, "first sign-in", "", err)
			return fail(a, err)
		}
		// A family opens its letter at home; pupils often open theirs in a room of the school.
		form.Identifier, form.Own = a.Identifier, a.Role == page.Guardian
		return private(w, r, http.StatusOK, choosePage(form))
	}
	form.Own = r.PostForm.Get("device") == "own"
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		a, err := k.byCode(ctx, form.Code)
		if err == nil {
			err = errAgain
		}
		return fail(a, err)
	}
	v := k.visitor(r)
	v.on = onDevice(form.Own)
	a, s, err := k.firstSignIn(ctx, form.Code, password, v)
	if err != nil {
		return fail(a, err)
	}
	k.log.InfoContext(ctx, "signed in", "account", a.ID, "school", a.School)
	k.welcome(w, r, a, s, v)
	return page.See(w, r, "/")
}

// takeAgain takes the password or says that a passkey was given, and leads back to a page.
func (k *Keeper) takeAgain(w http.ResponseWriter, r *http.Request) error {
	if goes, err := k.Again(w, r); err != nil || !goes {
		return err
	}
	return page.See(w, r, r.PostForm.Get("next"))
}

// errAgain: the new password was typed differently the second time.
var errAgain = page.Invalid("again", "account.again.error")

type accountForm struct {
	Account  Account
	Sessions []Session
	Present  string // the session of this browser
	Passkeys []passkey
	May      bool   // passkeys can be added here
	Done     string // what was just done
	Problem  problem
	Password string
	Again    string
}

func (k *Keeper) showAccount(w http.ResponseWriter, r *http.Request) error {
	return k.accountPage(w, r, http.StatusOK, accountForm{Done: r.URL.Query().Get("done")})
}

func (k *Keeper) accountPage(w http.ResponseWriter, r *http.Request, status int, form accountForm) error {
	viewer, _ := page.ViewerFrom(r.Context())
	form.Present = viewer.Session
	err := k.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if form.Account, err = ByID(ctx, tx, viewer.Account); err != nil {
			return err
		}
		if form.Sessions, err = sessionsOf(ctx, tx, k.clock(), viewer.Account); err != nil {
			return err
		}
		form.Passkeys, err = passkeysOf(ctx, tx, viewer.Account)
		return err
	})
	if err != nil {
		return err
	}
	_, form.May = k.party(r)
	return private(w, r, status, ownPage(form))
}

func (k *Keeper) takeAccount(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	ctx := r.Context()
	viewer, _ := page.ViewerFrom(ctx)
	switch r.PostForm.Get("do") {
	case "password":
		return k.takePassword(w, r, viewer)
	case "passkey":
		return k.askPasskey(w, r, viewer)
	case "passkey-save":
		return k.takePasskey(w, r, viewer)
	case "passkey-end":
		return k.dropPasskey(w, r, viewer)
	case "end":
		session := r.PostForm.Get("session")
		err := k.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
			return endSession(ctx, tx, k.clock(), viewer.Account, session)
		})
		if err != nil {
			return err
		}
		if session == viewer.Session {
			k.farewell(w)
			return page.See(w, r, "/")
		}
		return page.See(w, r, "/account")
	case "everywhere":
		err := k.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
			return endSessions(ctx, tx, k.clock(), viewer.Account, "")
		})
		if err != nil {
			return err
		}
		k.farewell(w)
		return page.See(w, r, "/")
	}
	return page.Invalid("do", "account.do.unknown")
}

func (k *Keeper) takePassword(w http.ResponseWriter, r *http.Request, viewer page.Viewer) error {
	ctx := r.Context()
	v := k.visitor(r)
	next := r.PostForm.Get("password")
	var a Account
	err := error(errAgain)
	if next == r.PostForm.Get("again") {
		a, err = k.changePassword(ctx, viewer.Account, viewer.Session, r.PostForm.Get("present"), next, v.device)
	}
	if k.turn(w, r, err) {
		return nil
	}
	if err != nil {
		var form accountForm
		known := false
		if form.Problem, known = k.problemOf(w, r, err); known {
			if errors.Is(err, ErrWrong) {
				form.Problem.title = page.T(ctx, "account.present.wrong")
				if _, waits := errors.AsType[*WaitError](err); !waits {
					form.Problem.text = ""
				}
			}
			return k.accountPage(w, r, form.Problem.status, form)
		}
		form.Password, form.Again = page.FieldError(ctx, err, "password"), page.FieldError(ctx, err, "again")
		if form.Password == "" && form.Again == "" {
			return err
		}
		return k.accountPage(w, r, http.StatusUnprocessableEntity, form)
	}
	if !v.old.Shared {
		k.known(w, a, v.device)
	}
	return page.See(w, r, "/account?done=password")
}

// private shows a page that nobody keeps: not the browser for the next person at
// this computer, not a proxy.
func private(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	w.Header().Set("Cache-Control", "no-store")
	return page.Show(w, r, status, c)
}

// browserName is what the owner of a session recognises a browser by: "Firefox,
// Android". Empty: not one that we know. Nothing finer is kept.
func browserName(agent string) string {
	first := func(of ...string) string {
		for i := 0; i+1 < len(of); i += 2 {
			if strings.Contains(agent, of[i]) {
				return of[i+1]
			}
		}
		return ""
	}
	browser := first("Edg", "Edge", "OPR/", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox/", "Firefox", "FxiOS", "Firefox",
		"CriOS", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "CrOS", "ChromeOS",
		"Mac OS X", "macOS", "Linux", "Linux")
	return strings.Trim(browser+", "+system, ", ")
}
