package account

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

var codeShape = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}`)

func TestLetter(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		create(t, db, Account{School: lycee, Person: "office", Role: page.Secretary}, good)
		office := s.browser(t)
		office.signIn("maud.le-goff", good)

		before := office.get("/people/" + lea.ID + "/letter")
		office.want(before, http.StatusOK, "Léa Benali", "lea.benali", "Pas encore de première connexion", "Lycée des Tilleuls")
		if codeShape.MatchString(before.body) {
			t.Error("looking at the letter's page makes a code")
		}
		letter := office.post("/people/" + lea.ID + "/code")
		office.want(letter, http.StatusOK, "Léa Benali", "lea.benali", s.server.URL+"/first-sign-in", "jusqu'au 6 mai 2027")
		code := codeShape.FindString(letter.body)
		if code == "" {
			t.Fatalf("no code on the letter:\n%s", letter.body)
		}
		if strings.Count(letter.body, code) != 1 {
			t.Error("the code is there more than once")
		}
		if got := letter.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("the letter may be kept: %q", got)
		}
		again := office.get("/people/" + lea.ID + "/letter")
		office.want(again, http.StatusOK, "Un code attend", "ne servira plus")
		if codeShape.MatchString(again.body) {
			t.Error("the code is shown a second time")
		}

		// Léa, at home, with the letter.
		home := s.browser(t)
		typed := strings.ToLower(strings.ReplaceAll(code, "-", " "))
		home.want(home.post("/first-sign-in", "code", "K7QM-2XPD-90RT-VB4H"), http.StatusUnprocessableEntity, "Ce code ne permet pas d'entrer")
		home.want(home.post("/first-sign-in", "code", typed), http.StatusOK, "Choisissez votre mot de passe", "lea.benali")
		for password, sentence := range map[string]string{
			"":               "Il faut au moins 10 caractères",
			"Lea.Benali2027": "presque votre identifiant",
			"azertyuiop":     "touches qui se suivent",
		} {
			a := home.post("/first-sign-in", "step", "choose", "code", typed, "password", password, "again", password)
			home.want(a, http.StatusUnprocessableEntity, sentence, "lea.benali")
			if password != "" && strings.Contains(a.body, password) {
				t.Errorf("the page repeats the password %q", password)
			}
		}
		home.want(home.post("/first-sign-in", "step", "choose", "code", typed, "password", good, "again", bad), http.StatusUnprocessableEntity, "ne sont pas les mêmes")
		in := home.post("/first-sign-in", "step", "choose", "code", typed, "password", good, "again", good, "device", "own")
		if in.StatusCode != http.StatusSeeOther || in.Header.Get("Location") != "/" {
			t.Fatalf("%d to %q:\n%s", in.StatusCode, in.Header.Get("Location"), in.body)
		}
		home.want(home.get("/"), http.StatusOK, "Léa Benali|pupil")
		s.browser(t).signIn("lea.benali", good)

		other := s.browser(t)
		other.want(other.post("/first-sign-in", "code", code), http.StatusUnprocessableEntity, "Ce code ne permet pas d'entrer")
		other.want(other.post("/first-sign-in", "step", "choose", "code", code, "password", bad, "again", bad), http.StatusUnprocessableEntity, "Ce code ne permet pas d'entrer")

		office.want(office.get("/people/"+lea.ID+"/letter"), http.StatusOK, "Mot de passe choisi")
		// A second letter: the password goes on until the code is used, then every
		// session ends.
		second := codeShape.FindString(office.post("/people/" + lea.ID + "/code").body)
		home.want(home.get("/"), http.StatusOK, "Léa Benali|pupil")
		s.browser(t).signIn("lea.benali", good)
		if a := other.post("/first-sign-in", "step", "choose", "code", second, "password", bad, "again", bad); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("the second letter: %d", a.StatusCode)
		}
		home.want(home.get("/"), http.StatusOK, "nobody")

		write(t, db, func(ctx context.Context, tx database.Tx) error { return disable(ctx, tx, tuesday, lea.ID) })
		office.want(office.get("/people/"+lea.ID+"/letter"), http.StatusOK, "Compte fermé")
		closed := office.post("/people/" + lea.ID + "/code")
		office.want(closed, http.StatusConflict, "Ce compte est fermé")
		if codeShape.MatchString(closed.body) {
			t.Error("a code for a closed account")
		}
	})
}

func TestLetterRights(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	accounts := map[string]Account{
		"pupil":          create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good),
		"guardian":       create(t, db, Account{School: lycee, Person: "mother", Role: page.Guardian}, good),
		"teacher":        create(t, db, Account{School: lycee, Person: "teacher", Role: page.Teacher}, good),
		"office":         create(t, db, Account{School: lycee, Person: "office", Role: page.Secretary}, good),
		"cpe":            create(t, db, Account{School: lycee, Person: "office", Role: page.CPE}, good),
		"head":           create(t, db, Account{School: lycee, Person: "head", Role: page.Head}, good),
		"operator":       create(t, db, Account{Role: page.Operator, Identifier: "exploitation"}, good),
		"head elsewhere": create(t, db, Account{School: college, Person: "head", Role: page.Head}, good),
		"tom elsewhere":  create(t, db, Account{School: college, Person: "tom", Role: page.Pupil}, good),
	}
	none := Account{ID: "0123456789abcdefghjk"}
	const ok, no, hidden = http.StatusOK, http.StatusForbidden, http.StatusNotFound
	for by, want := range map[string]map[string]int{
		"pupil":          {"pupil": no, "teacher": no, "tom elsewhere": no},
		"guardian":       {"pupil": no, "guardian": no, "tom elsewhere": no},
		"teacher":        {"pupil": no, "teacher": no, "tom elsewhere": no},
		"office":         {"pupil": ok, "guardian": ok, "teacher": no, "office": no, "cpe": no, "head": no, "operator": hidden, "head elsewhere": hidden, "tom elsewhere": hidden},
		"cpe":            {"pupil": ok, "guardian": ok, "teacher": ok, "office": no, "cpe": no, "head": no, "operator": hidden, "head elsewhere": hidden, "tom elsewhere": hidden},
		"head":           {"pupil": ok, "guardian": ok, "teacher": ok, "office": ok, "cpe": ok, "head": ok, "operator": hidden, "head elsewhere": hidden, "tom elsewhere": hidden},
		"head elsewhere": {"pupil": hidden, "teacher": hidden, "head": hidden, "operator": hidden, "tom elsewhere": ok},
		"operator":       {"pupil": no, "teacher": no, "office": no, "cpe": no, "head": ok, "operator": ok, "head elsewhere": ok, "tom elsewhere": no},
	} {
		b := s.browser(t)
		b.signIn(accounts[by].Identifier, good)
		for of, status := range want {
			for _, a := range []answer{b.get("/people/" + accounts[of].ID + "/letter"), b.post("/people/" + accounts[of].ID + "/code")} {
				if a.StatusCode != status {
					t.Errorf("%s, letter of %s: %s gives %d, want %d", by, of, a.Request.Method, a.StatusCode, status)
				}
				if (a.StatusCode == ok && a.Request.Method == "POST") != codeShape.MatchString(a.body) {
					t.Errorf("%s, letter of %s: %s shows a code, or none", by, of, a.Request.Method)
				}
				if status == hidden && (a.says("Tom") || a.says("tom.payet") || by != "head elsewhere" && a.says("Hoarau")) {
					t.Errorf("%s learns who %s is", by, of)
				}
			}
		}
		if by == "office" || by == "head" {
			hiddenPage, nonePage := b.get("/people/"+accounts["tom elsewhere"].ID+"/letter"), b.get("/people/"+none.ID+"/letter")
			if nonePage.StatusCode != hidden || hiddenPage.body != strings.ReplaceAll(nonePage.body, none.ID, accounts["tom elsewhere"].ID) {
				t.Errorf("%s can tell an account of another school from none", by)
			}
		}
	}
	stranger := s.browser(t)
	stranger.want(stranger.get("/people/"+accounts["pupil"].ID+"/letter"), http.StatusSeeOther)
	stranger.want(stranger.post("/people/"+accounts["pupil"].ID+"/code"), http.StatusUnauthorized)
}

// Two people press the button of one code at once, over HTTP: one is signed in.
func TestFirstSignInAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		var code string
		write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
			code, err = IssueCode(ctx, tx, tuesday, lea.ID)
			return err
		})
		const people = 4
		var wg sync.WaitGroup
		status := make([]int, people)
		for i := range people {
			b := s.browser(t)
			wg.Go(func() {
				status[i] = b.post("/first-sign-in", "step", "choose", "code", code, "password", good, "again", good, "device", "own").StatusCode
			})
		}
		wg.Wait()
		in := 0
		for _, st := range status {
			switch st {
			case http.StatusSeeOther:
				in++
			case http.StatusUnprocessableEntity:
			default:
				t.Errorf("status %d", st)
			}
		}
		if in != 1 {
			t.Errorf("%d people are signed in with one code: %v", in, status)
		}
		if n := len(read(t, db, func(ctx context.Context, tx database.Tx) ([]Session, error) {
			return sessionsOf(ctx, tx, tuesday, lea.ID)
		})); n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		create(t, db, Account{School: college, Person: "tom", Role: page.Pupil}, good)
		here, phone, library, tom := s.browser(t), s.browser(t), s.browser(t), s.browser(t)
		for _, b := range []*browser{here, phone, library} {
			b.signIn("lea.benali", good)
		}
		tom.signIn("tom.payet", good)
		own := here.get("/account")
		here.want(own, http.StatusOK, "lea.benali", "Firefox, Linux", "3 appareils", "ce navigateur", "6 avril 2027, 8 h 00")
		if own.Header.Get("Cache-Control") != "no-store" {
			t.Error("the account's page may be kept")
		}
		session := func(b *browser) string {
			ticket, ok := s.keys.readTicket(b.cookie("preau").Value, tuesday)
			if !ok {
				t.Fatal("no session")
			}
			return ticket.Session
		}
		// One by one; and nobody ends another person's.
		here.want(here.post("/account", "do", "end", "session", session(library)), http.StatusSeeOther)
		library.want(library.get("/"), http.StatusOK, "nobody")
		here.want(here.post("/account", "do", "end", "session", session(tom)), http.StatusSeeOther)
		tom.want(tom.get("/"), http.StatusOK, "Tom Payet")
		here.want(here.post("/account", "do", "dance"), http.StatusUnprocessableEntity)

		change := func(present, next, again string) answer {
			return here.post("/account", "do", "password", "present", present, "password", next, "again", again)
		}
		here.want(change(bad, "cheval agrafe", "cheval agrafe"), http.StatusUnauthorized, "Le mot de passe actuel ne correspond pas")
		here.want(change(good, "cheval", "cheval"), http.StatusUnprocessableEntity, "Il faut au moins 10 caractères")
		here.want(change(good, "cheval agrafe", "agrafe cheval"), http.StatusUnprocessableEntity, "ne sont pas les mêmes")
		phone.want(phone.get("/"), http.StatusOK, "Léa Benali")
		done := change(good, "cheval agrafe", "cheval agrafe")
		if done.StatusCode != http.StatusSeeOther {
			t.Fatalf("the password is not changed: %d", done.StatusCode)
		}
		here.want(here.get(done.Header.Get("Location")), http.StatusOK, "Le mot de passe est changé", "1 appareil")
		phone.want(phone.get("/"), http.StatusOK, "nobody")
		kept := read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) })
		if d, ok := s.keys.readDevice(here.cookie("preau-device").Value); !ok || !s.keys.knows(d, kept) {
			t.Error("after the change, this browser is a stranger")
		}

		phone.signIn("lea.benali", "cheval agrafe")
		here.want(here.post("/account", "do", "everywhere"), http.StatusSeeOther)
		for _, b := range []*browser{here, phone} {
			b.want(b.get("/"), http.StatusOK, "nobody")
		}
		tom.want(tom.get("/"), http.StatusOK, "Tom Payet")
	})
}

// Signing in where somebody is signed in leaves no session behind.
func TestSignInOverAnother(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	create(t, db, Account{School: lycee, Person: "mother", Role: page.Guardian}, good)
	b := s.browser(t)
	b.signIn("lea.benali", good)
	first := b.cookie("preau")
	b.signIn("samira.benali", good)
	if second := b.cookie("preau"); second.Value == first.Value {
		t.Error("the session's cookie is the one of before")
	}
	b.want(b.get("/"), http.StatusOK, "Samira Benali|guardian")
	if n := len(read(t, db, func(ctx context.Context, tx database.Tx) ([]Session, error) {
		return sessionsOf(ctx, tx, tuesday, lea.ID)
	})); n != 0 {
		t.Errorf("%d sessions of Léa's are left, want none", n)
	}
	// The family's browser is known to both.
	d, ok := s.keys.readDevice(b.cookie("preau-device").Value)
	if !ok || len(d.Marks) != 2 || !s.keys.knows(d, lea) {
		t.Errorf("the browser knows %d accounts, want 2", len(d.Marks))
	}
}

// What people type and what is printed for them is in no log line and in no line of
// the journal, whatever happens.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		create(t, db, Account{School: lycee, Person: "head", Role: page.Head}, good)
		head, b := s.browser(t), s.browser(t)
		head.signIn("zoe.oeuvrard", good)
		first := codeShape.FindString(head.post("/people/" + lea.ID + "/code").body)
		code := codeShape.FindString(head.post("/people/" + lea.ID + "/code").body)
		if first == "" || code == "" {
			t.Fatal("no code")
		}
		b.post("/first-sign-in", "code", first)
		b.post("/first-sign-in", "step", "choose", "code", code, "password", "tropcourt", "again", "tropcourt")
		b.post("/first-sign-in", "step", "choose", "code", code, "password", bad, "again", bad, "device", "own")
		b.post("/account", "do", "password", "present", "pas le bon", "password", "cheval agrafe", "again", "cheval agrafe")
		b.post("/account", "do", "password", "present", bad, "password", "cheval agrafe", "again", "cheval agrafe")
		session, device := b.cookie("preau").Value, b.cookie("preau-device").Value
		for range freeFailures + 2 {
			s.browser(t).post("/sign-in", "identifier", "un secret au mauvais endroit", "password", "et un autre")
			s.browser(t).post("/sign-in", "identifier", "lea.benali", "password", "pas le bon")
		}
		b.post("/sign-out")
		if err := db.Statement(t.Context(), "UPDATE account_accounts SET password = password || '$' WHERE identifier = 'lea.benali'"); err != nil {
			t.Fatal(err)
		}
		s.clock.after(time.Hour)
		if a := b.post("/sign-in", "identifier", "lea.benali", "password", "cheval agrafe"); a.StatusCode != http.StatusInternalServerError {
			t.Errorf("a damaged row: %d, want 500", a.StatusCode)
		}
		lines := read(t, db, func(ctx context.Context, tx database.Tx) ([]journal.Line, error) {
			return journal.Of(ctx, tx, lycee, lea.ID)
		})
		kept := s.log.String()
		acts := ""
		for _, l := range lines {
			acts += l.Act + " "
			kept += strings.Join([]string{"\n", l.At, l.Act, l.Actor, l.Subject, l.Detail}, " ")
		}
		if want := "account.code account.code account.code-used account.password "; acts != want {
			t.Errorf("the journal says %q, want %q", acts, want)
		}
		if !strings.Contains(kept, lea.ID) || !strings.Contains(kept, "refused") || !strings.Contains(kept, "code issued") {
			t.Fatalf("nothing was logged: the test sees nothing:\n%s", kept)
		}
		bare, _ := readCode(code)
		for what, secret := range map[string]string{
			"a code": code, "a bare code": bare, "a code's digest": codeHash(bare), "a replaced code": first,
			"a password": bad, "the new password": "cheval agrafe", "a short one": "tropcourt", "a wrong one": "pas le bon",
			"what was typed in the wrong field": "un secret au mauvais endroit", "another": "et un autre",
			"a hash": "$argon2id", "a session's cookie": session, "a browser's cookie": device,
			"a name": "Benali", "an identifier": "lea.benali", "another's": "oeuvrard",
		} {
			if strings.Contains(kept, secret) || strings.Contains(kept, strings.ReplaceAll(secret, " ", "+")) {
				t.Errorf("%s is kept: %q in\n%s", what, secret, kept)
			}
		}
	})
}

func TestBrowserName(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                          "Firefox, Linux",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":                           "Chrome, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1":         "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0":                   "Edge, Windows",
		"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A135F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537": "Samsung Internet, Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":                                  "Chrome, ChromeOS",
		"curl/8.0 (<script>)": "",
		"":                    "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("browserName(%q) = %q, want %q", agent, got, want)
		}
	}
}

// A body that is too long is refused before anybody works on it.
func TestLongForms(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	b := s.browser(t)
	if a := b.post("/sign-in", "identifier", "x", "password", strings.Repeat("x", 20<<10)); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a password of 20 KiB: %d, want 413", a.StatusCode)
	}
	if n := s.hashes.Load(); n != 0 {
		t.Errorf("%d hashes for it", n)
	}
}
