package account

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
	chromium "github.com/preau-ent/preau/peers/browser"
)

// A device makes a passkey, opens the account with it, answers when it is asked once more, and
// no longer once it is removed: in a real browser, with the authenticator that it pretends.
func TestPasskey(t *testing.T) {
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	head := create(t, db, Account{School: lycee, Person: "head", Role: page.Head}, good)
	lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
	base := strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1) // passkeys are bound to a name
	b := chromium.Start(t)
	tab := b.Tab(t, chromium.Options{})
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	}))
	signOut := func() {
		chromium.Eval[bool](tab, `document.readyState === "complete" || new Promise((r) => addEventListener("load", () => r(true)))`)
		tab.Go(base + "/account")
		press(tab, `form[action="/sign-out"] button`)
		tab.Wait("pre") // the test's front page, which is bare text
	}

	tab.Go(base + "/sign-in?next=%2Faccount")
	looks(tab, "sign-in")
	tab.Type("#f-identifier", "zoe.oeuvrard")
	tab.Type("#f-password", good)
	tab.Click(`input[name=device][value=own]`)
	tab.Click(`form .btn.main`)
	tab.Wait("#passkeys")
	press(tab, `#passkeys form.act button`)
	tab.Wait(`form[data-passkey] button`)
	looks(tab, "enrol")
	tab.Click(`form[data-passkey] button`)
	tab.Wait(".notice.done")
	if got := tab.Text(".notice.done"); !strings.Contains(page.Plain(got), "La clé d'accès est ajoutée") {
		t.Fatalf("enrolled: %s", got)
	}
	looks(tab, "account")

	signOut()
	tab.Go(base + "/sign-in?next=%2Faccount")
	tab.Click(`input[name=device][value=own]`)
	tab.Click(`form[data-passkey] button`)
	tab.Wait("#passkeys")
	sessions := read(t, db, func(ctx context.Context, tx database.Tx) ([]Session, error) {
		return sessionsOf(ctx, tx, tuesday, head.ID)
	})
	if len(sessions) != 1 || sessions[0].Device != Passkey || !sessions[0].ExpiresAt.Equal(tuesday.Add(PasskeyMax)) {
		t.Errorf("signed in with a passkey: %+v", sessions)
	}
	if got := tab.Text("#passkeys"); !strings.Contains(page.Plain(got), page.Plain("utilisée le 6 avril 2027")) {
		t.Errorf("the passkey does not say when it was used: %s", got)
	}

	s.clock.after(time.Hour)
	tab.Go(base + "/people/" + lea.ID + "/letter")
	press(tab, `form[action$="/code"] button`)
	tab.Wait(`form[data-passkey]`)
	looks(tab, "again")
	tab.Click(`form[data-passkey] button`)
	tab.Wait(".sheet-of-paper")
	if !codeShape.MatchString(tab.Text(".sheet-of-paper")) {
		t.Error("with the passkey the letter is not made")
	}

	// What a device answered is good once, and for what it was asked.
	signOut()
	tab.Go(base + "/sign-in")
	chromium.Eval[bool](tab, `HTMLFormElement.prototype.submit = function () { window.answer = this.querySelector('input[name$="passkey"]').value; document.body.id = 'answered' }; true`)
	tab.Click(`form[data-passkey] button`)
	tab.Wait("#answered")
	send := func(to string) string {
		return chromium.Eval[string](tab, `fetch('`+to+`', {method: 'POST', redirect: 'manual', body: new URLSearchParams({passkey: window.answer, next: '/'})}).then((r) => r.type + ' ' + r.status)`)
	}
	if got := send("/sign-in/passkey"); got != "opaqueredirect 0" {
		t.Errorf("a fresh answer: %s", got)
	}
	if got := send("/sign-in/passkey"); got != "basic 401" {
		t.Errorf("the same answer again: %s, want 401", got)
	}
	tab.Go(base + "/account")
	press(tab, `#passkeys .row form.act button`)
	tab.Wait("#passkeys:not(:has(.row))")
	signOut()
	tab.Go(base + "/sign-in")
	tab.Click(`form[data-passkey] button`)
	tab.Wait(".notice.stop")
	if got := tab.Text(".notice.stop"); !strings.Contains(page.Plain(got), page.Plain("n'est pas reconnue")) {
		t.Errorf("a passkey that was removed: %s", got)
	}
	for _, c := range tab.Complaints() {
		if !strings.HasPrefix(c, "401 for") && !strings.HasSuffix(c, "/favicon.ico") { // the front page here is bare text
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// press presses a button that may be inside a closed menu, and waits for the page that follows.
func press(tab *chromium.Tab, css string) {
	chromium.Eval[bool](tab, `document.querySelectorAll('details').forEach((d) => d.open = true); true`)
	tab.Click(css)
}

// looks looks at a page on each screen, and leaves it as a desk has it.
func looks(tab *chromium.Tab, name string) {
	tab.Looks("account-" + name)
	tab.Look(1280, 800, false)
}

// Without script there is no passkey to press, and the password does; at a number there is
// none at all. A letter that was used and a school that left end the passkeys there are.
func TestWithoutPasskey(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		b := s.browser(t)
		if strings.Contains(b.get("/sign-in").body, "data-passkey") {
			t.Error("a passkey is offered where the site is reached by its number")
		}
		if a := b.get("/sign-in/passkey"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/sign-in" {
			t.Errorf("back from the door's page: %d to %q", a.StatusCode, a.Header.Get("Location"))
		}
		b.want(b.post("/sign-in/passkey", "passkey", "{}"), http.StatusUnauthorized, "n'est pas reconnue")
		have := func() int {
			return len(read(t, db, func(ctx context.Context, tx database.Tx) ([]passkey, error) { return passkeysOf(ctx, tx, lea.ID) }))
		}
		add := func(n int) (err error) {
			c := challenge{Ends: tuesday.Add(time.Minute)}
			c.Data.Challenge = fmt.Sprint("c", n)
			return db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
				return addPasskey(ctx, tx, tuesday, c, passkey{ID: fmt.Sprint("k", n), Account: lea.ID, Credential: fmt.Sprint("x", n), Data: "{}", CreatedAt: tuesday})
			})
		}
		for n := range mostPasskeys {
			if err := add(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := add(mostPasskeys); err != errMany {
			t.Errorf("one more than may be: %v", err)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			gone, err := endPasskey(ctx, tx, lea.ID, "k9")
			if err == nil && !gone {
				t.Error("not removed")
			}
			return err
		})
		if err := add(3); err != ErrPasskey {
			t.Errorf("a challenge that was answered before: %v", err)
		}
		code := ""
		write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
			code, err = IssueCode(ctx, tx, tuesday, lea.ID)
			return err
		})
		if have() != mostPasskeys-1 {
			t.Fatalf("%d passkeys", have())
		}
		if _, _, err := s.firstSignIn(t.Context(), code, "cheval agrafe", visitor{device: device{ID: "d"}}); err != nil {
			t.Fatal(err)
		}
		if have() != 0 {
			t.Error("a letter was used, and older passkeys still open the account")
		}
		if err := add(50); err != nil {
			t.Fatal(err)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			_, err := CloseAll(ctx, tx, lycee, tuesday)
			return err
		})
		if have() != 0 {
			t.Error("a school left, and its passkeys are kept")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return Purge(ctx, tx, tuesday.Add(time.Minute)) })
		n := read(t, db, func(ctx context.Context, tx database.Tx) (n int, err error) {
			err = tx.NewRaw("SELECT count(*) FROM account_challenges").Scan(ctx, &n)
			return n, err
		})
		if n != 0 {
			t.Errorf("%d challenges are kept after their time", n)
		}
	})
}

// FuzzPasskey: whatever is posted as a device's answer, and whatever cookie comes with it,
// nobody is let in, and nothing panics.
func FuzzPasskey(f *testing.F) {
	k, err := NewKeeper(Settings{Key: []byte("0123456789abcdef0123456789abcdef"), Clock: (&clock{now: tuesday}).time, Cost: cheap, URL: "https://preau.example"})
	if err != nil {
		f.Fatal(err)
	}
	h := holderOf{account: Account{ID: "a", Identifier: "a"}, keys: []passkey{{ID: "k", Account: "a", Credential: "AQ", Data: `{"id":"AQ==","publicKey":"AQ=="}`}}}
	given := func(use string) string { // always the same, in every process that fuzzes
		c := challenge{For: use, Ends: tuesday.Add(challengeLife)}
		c.Data.Challenge, c.Data.RelyingPartyID, c.Data.UserVerification = "AAAAAAAAAAAAAAAAAAAAAA", "preau.example", "required"
		if use == forEnrolment {
			c.Data.UserID = []byte("a")
		}
		value, err := k.keys.writeChallenge(c)
		if err != nil {
			f.Fatal(err)
		}
		return value
	}
	cookie, other := given(forSignIn), given(forEnrolment)
	const shape = `{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0","authenticatorData":"AAAA","signature":"AA","userHandle":"YQ"}}`
	for _, answer := range []string{"", "{}", "null", shape, strings.Replace(shape, "authenticatorData", "attestationObject", 1), `{"id":1}`, strings.Repeat("[", 5000)} {
		f.Add(answer, cookie)
		f.Add(answer, other)
	}
	f.Add(shape, "x.y")
	f.Fuzz(func(t *testing.T, answer, value string) {
		for _, use := range []string{forSignIn, forAgain, forEnrolment} {
			if c, ok := k.keys.readChallenge(value, use, tuesday); ok && (value != cookie || use != forSignIn) && (value != other || use != forEnrolment) {
				t.Fatalf("a challenge that was not given here for %s: %+v", use, c)
			}
			r := httptest.NewRequest("POST", "/sign-in/passkey", nil)
			r.Header.Set("Cookie", (&http.Cookie{Name: k.challengeCookie(use), Value: value}).String())
			if use == forEnrolment {
				if p, err := k.enrolled(r, h, answer); err == nil {
					t.Fatalf("enrolled: %+v", p)
				}
			} else if a, err := k.verified(r, use, answer, map[string]string{forAgain: "a"}[use], func(string) (holderOf, error) { return h, nil }); err == nil {
				t.Fatalf("let in: %+v", a)
			}
		}
	})
}
