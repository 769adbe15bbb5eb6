package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/account/internal/paper/papertest"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

func eachOffice(t *testing.T, fn func(t *testing.T, o *office)) {
	t.Helper()
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) { fn(t, openOffice(t, db)) })
}

// at the desk of somebody of a role, in the town's school.
func (o *office) at(t testing.TB, role page.Role, fn func(context.Context, database.Tx, account.Desk, directory.School) error) error {
	t.Helper()
	return o.db.InSchool(t.Context(), "alice-guy", func(ctx context.Context, tx database.Tx) error {
		s, err := directory.SchoolByID(ctx, tx, "alice-guy")
		if err != nil {
			return err
		}
		return fn(ctx, tx, account.Desk{Journal: o.j, By: "a-" + string(role), Role: role, Now: peopleDay}, s)
	})
}

func (o *office) openFor(t testing.TB, by page.Role, person string, role page.Role) (a account.Account, code string, err error) {
	t.Helper()
	err = o.at(t, by, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) (err error) {
		a, code, err = d.Open(ctx, tx, s, person, role)
		return err
	})
	return a, code, err
}

// choose gives an account a password.
func (o *office) choose(t testing.TB, id string) {
	t.Helper()
	h := account.HashPassword("un préau sous la pluie", account.Cost{Memory: 64, Passes: 1, Threads: 1})
	err := o.db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return account.SetPassword(ctx, tx, peopleDay, id, h)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Who may open what for whom, the whole table: a role that does not fit the person, or
// that is not one's own to give, is refused and leaves nothing.
func TestOpenTable(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		may := map[page.Role][]string{
			page.Operator:  {"office head"},
			page.Head:      {"office head", "office cpe", "office secretary", "office supervisor", "office nurse", "office teacher", "lea pupil", "nadia guardian"},
			page.CPE:       {"office supervisor", "office teacher", "lea pupil", "nadia guardian"},
			page.Secretary: {"lea pupil", "nadia guardian"},
		}
		fits := map[string][]page.Role{"office": {page.Head, page.CPE, page.Secretary, page.Supervisor, page.Nurse, page.Teacher}, "lea": {page.Pupil}, "nadia": {page.Guardian}}
		for _, by := range page.Roles() {
			for person, roles := range fits {
				for _, role := range append(page.Roles(), "", "root") {
					_, code, err := o.openFor(t, by, person, role)
					switch allowed := slices.Contains(may[by], person+" "+string(role)); {
					case allowed && (err != nil || code == ""):
						t.Errorf("%s opens %s for %s: %v", by, role, person, err)
					case !allowed && err == nil:
						t.Errorf("%s opened %s for %s", by, role, person)
					case !allowed && !slices.Contains(roles, role) && !errors.Is(err, account.ErrRole):
						t.Errorf("%s, %s for %s: %v, want ErrRole", by, role, person, err)
					case !allowed && slices.Contains(roles, role) && !errors.Is(err, account.ErrNotYours):
						t.Errorf("%s, %s for %s: %v, want ErrNotYours", by, role, person, err)
					}
				}
			}
		}
		if n := len(o.accounts(t, "alice-guy", "office")); n != 6 {
			t.Errorf("she has %d accounts, want one per role", n)
		}
	})
}

func TestOpenRefusals(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		err := o.db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{People: []directory.Person{
				{School: "alice-guy", ID: "former", Kind: directory.KindStaff, Source: "x", SourceKey: "1", LastName: "Ancien", FirstName: "Paul", LeftOn: "2026-11-24"},
				{School: "alice-guy", ID: "stranger", Kind: directory.KindAdult, Source: "x", SourceKey: "2", LastName: "Voisin", FirstName: "Luc"},
			}})
		})
		if err != nil {
			t.Fatal(err)
		}
		for person, c := range map[string]struct {
			role page.Role
			want error
		}{
			"former":    {page.Teacher, account.ErrGone},
			"stranger":  {page.Guardian, account.ErrNoChild},
			"ronan":     {page.Guardian, account.ErrNoChild}, // a court denies him
			"far-staff": {page.Teacher, directory.ErrNotFound},
			"far-adult": {page.Guardian, directory.ErrNotFound},
			"":          {page.Teacher, directory.ErrNotFound},
		} {
			if _, _, err := o.openFor(t, page.Head, person, c.role); !errors.Is(err, c.want) {
				t.Errorf("%q: %v, want %v", person, err, c.want)
			}
		}
		if acts := o.acts(t, "alice-guy"); len(acts) != 0 {
			t.Errorf("refusals left %v in the journal", acts)
		}
		// Pressed twice: one account, and the second letter counts.
		a, first, err := o.openFor(t, page.Head, "roy", page.Teacher)
		if err != nil {
			t.Fatal(err)
		}
		b, second, err := o.openFor(t, page.Head, "roy", page.Teacher)
		if err != nil || a.ID != b.ID || first == second {
			t.Fatalf("again: %v, %s and %s", err, a.ID, b.ID)
		}
		err = o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			if _, err := account.ByCode(ctx, tx, peopleDay, first); !errors.Is(err, account.ErrCode) {
				t.Errorf("the first letter still counts: %v", err)
			}
			_, err := account.ByCode(ctx, tx, peopleDay, second)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		o.choose(t, a.ID)
		if _, _, err := o.openFor(t, page.Head, "roy", page.Teacher); !errors.Is(err, account.ErrHas) {
			t.Errorf("somebody with a password: %v", err)
		}
		if err := o.at(t, page.Head, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) error {
			return d.Close(ctx, tx, s.ID, a.ID)
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.openFor(t, page.Head, "roy", page.Teacher); !errors.Is(err, account.ErrHas) {
			t.Errorf("a closed account: %v", err)
		}
		if acts := o.acts(t, "alice-guy"); !slices.Equal(acts, []string{"account.opened", "account.code", "account.code", "account.closed"}) {
			t.Errorf("the journal has %v", acts)
		}
	})
}

func TestCloseReopenAndRole(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		head, _, err := o.openFor(t, page.Head, "head", page.Head)
		if err != nil {
			t.Fatal(err)
		}
		teacher, _, err := o.openFor(t, page.Head, "roy", page.Teacher)
		if err != nil {
			t.Fatal(err)
		}
		pupil, _, err := o.openFor(t, page.Head, "lea", page.Pupil)
		if err != nil {
			t.Fatal(err)
		}
		o.choose(t, teacher.ID)
		desk := func(by page.Role, own string, fn func(context.Context, database.Tx, account.Desk) error) error {
			return o.at(t, by, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) error {
				if own != "" {
					d.By = own
				}
				return fn(ctx, tx, d)
			})
		}
		closing := func(by page.Role, own, id string) error {
			return desk(by, own, func(ctx context.Context, tx database.Tx, d account.Desk) error {
				return d.Close(ctx, tx, "alice-guy", id)
			})
		}
		role := func(by page.Role, own, id string, to page.Role) error {
			return desk(by, own, func(ctx context.Context, tx database.Tx, d account.Desk) error {
				return d.ChangeRole(ctx, tx, "alice-guy", id, to)
			})
		}
		for _, c := range []struct {
			what string
			got  error
			want error
		}{
			{"a head closes the own account", closing(page.Head, head.ID, head.ID), account.ErrOwn},
			{"a head changes the own role", role(page.Head, head.ID, head.ID, page.CPE), account.ErrOwn},
			{"a CPE closes the head's", closing(page.CPE, "", head.ID), account.ErrNotYours},
			{"the operator closes a teacher's", closing(page.Operator, "", teacher.ID), account.ErrNotYours},
			{"a teacher closes a pupil's", closing(page.Teacher, "", pupil.ID), account.ErrNotYours},
			{"a CPE makes a teacher head", role(page.CPE, "", teacher.ID, page.Head), account.ErrNotYours},
			{"a CPE makes a teacher CPE", role(page.CPE, "", teacher.ID, page.CPE), account.ErrNotYours},
			{"the operator makes a teacher head", role(page.Operator, "", teacher.ID, page.Head), account.ErrNotYours},
			{"a pupil becomes a teacher", role(page.Head, "", pupil.ID, page.Teacher), account.ErrRole},
			{"a teacher becomes operator", role(page.Head, "", teacher.ID, page.Operator), account.ErrRole},
			{"a teacher becomes a guardian", role(page.Head, "", teacher.ID, page.Guardian), account.ErrRole},
			{"nobody's", closing(page.Head, "", "no-such"), account.ErrNone},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
			}
		}
		err = o.db.InSchool(t.Context(), "other", func(ctx context.Context, tx database.Tx) error {
			d := account.Desk{Journal: o.j, By: "a-head", Role: page.Head, Now: peopleDay}
			return d.Close(ctx, tx, "other", teacher.ID)
		})
		if !errors.Is(err, account.ErrNone) {
			t.Errorf("the other school's head closed ours: %v", err)
		}
		// A session that is open ends with the account, and the account with its session
		// comes back with the password.
		signIn := func() int {
			return o.answer("", "POST", "/sign-in", "identifier", teacher.Identifier, "password", "un préau sous la pluie").Code
		}
		w := o.answer("", "POST", "/sign-in", "identifier", teacher.Identifier, "password", "un préau sous la pluie")
		inside := func() bool {
			r, _ := http.NewRequest("GET", "/", nil)
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
			v, ok := o.keeper.Viewer(r)
			return ok && v.Role != ""
		}
		if !inside() {
			t.Fatal("the teacher did not get in")
		}
		for range 2 {
			if err := closing(page.Head, "", teacher.ID); err != nil {
				t.Fatal(err)
			}
		}
		if inside() || signIn() == http.StatusSeeOther {
			t.Error("the closed account is still in")
		}
		for range 2 {
			if err := desk(page.Head, "", func(ctx context.Context, tx database.Tx, d account.Desk) error {
				return d.Reopen(ctx, tx, "alice-guy", teacher.ID)
			}); err != nil {
				t.Fatal(err)
			}
		}
		if inside() || signIn() != http.StatusSeeOther {
			t.Error("the reopened account, or the old session")
		}
		for range 2 {
			if err := role(page.Head, "", teacher.ID, page.CPE); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.accounts(t, "alice-guy", "roy"); len(got) != 1 || got[0].Role != page.CPE {
			t.Errorf("the role is %+v", got)
		}
		if _, _, err := o.openFor(t, page.Head, "roy", page.Teacher); err != nil {
			t.Fatal(err)
		}
		if err := role(page.Head, "", teacher.ID, page.Teacher); !errors.Is(err, account.ErrHas) {
			t.Errorf("two accounts of one role: %v", err)
		}
		want := []string{"account.opened", "account.code", "account.opened", "account.code", "account.opened", "account.code", "account.closed", "account.reopened", "account.role", "account.opened", "account.code"}
		if acts := o.acts(t, "alice-guy"); !slices.Equal(acts, want) {
			t.Errorf("the journal has %v", acts)
		}
	})
}

// A class's letters: one a person, each code opens its own account, nobody who may not
// be told gets one, and those who have used theirs are left alone.
func TestLettersOfAClass(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		letters := func(who, which string) map[string]string {
			res := o.answer("cpe", "POST", "/accounts/class", "class", "2de3", "who", who, "which", which)
			if res.Code == http.StatusSeeOther {
				if to := res.Header().Get("Location"); to != "/accounts?class=2de3&done=none" {
					t.Errorf("no letters lead to %s", to)
				}
				return nil
			}
			if res.Code != http.StatusOK {
				t.Fatalf("%s %s: %d", who, which, res.Code)
			}
			out := map[string]string{}
			for _, sheet := range papertest.Pages(t, res.Body.Bytes()) {
				name := regexp.MustCompile(`^Lycée Alice-Guy (.+?) (?:2de 3|Votre première)`).FindStringSubmatch(strings.Join(strings.Fields(sheet), " "))
				if name == nil {
					t.Fatalf("whose is this?\n%s", sheet)
				}
				out[name[1]] = codeOnPage.FindString(sheet)
				if who == "guardians" && !strings.Contains(sheet, "2de 3 · à remettre par ") {
					t.Errorf("%s: handed over by whom?", name[1])
				}
			}
			return out
		}
		first := letters("guardians", "new")
		var names []string
		for name := range first {
			names = append(names, name)
		}
		slices.Sort(names)
		if want := []string{"Adeline Jaouen", "Karim Benali", "Lamine Sangaré", "Nadia Benali", "Sylvie Le Floc'h", "Tarek Haddad"}; !slices.Equal(names, want) {
			t.Fatalf("letters for %v, want %v", names, want)
		}
		for name, code := range first {
			err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				a, err := account.ByCode(ctx, tx, peopleDay, code)
				if err != nil {
					return err
				}
				p, err := directory.PersonByID(ctx, tx, a.School, a.Person)
				if p.FirstName+" "+p.LastName != name || a.Role != page.Guardian {
					t.Errorf("the code of %s opens %s", name, a.Identifier)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if again := letters("guardians", "new"); again != nil {
			t.Errorf("new letters for those who have one: %v", again)
		}
		o.choose(t, o.accounts(t, "alice-guy", "nadia")[0].ID)
		second := letters("guardians", "again")
		if len(second) != 5 || second["Nadia Benali"] != "" || second["Karim Benali"] == first["Karim Benali"] {
			t.Errorf("made again: %v", second)
		}
		if pupils := letters("pupils", "new"); len(pupils) != 5 || pupils["Léa Benali"] == "" {
			t.Errorf("pupils: %v", pupils)
		}
		_, body := o.send(t, "head", "GET", "/accounts?class=2de3")
		for _, says := range []string{"compte actif", "lettre faite", "Refaire 5 lettres non utilisées"} {
			if !strings.Contains(body, says) {
				t.Errorf("the class's page does not say %q", says)
			}
		}
		if strings.Contains(body, "Ronan") || codeOnPage.MatchString(body) {
			t.Error("the class's page shows somebody who may not be told, or a code")
		}
		for _, form := range [][]string{nil, {"class", "2de3"}, {"class", "2de3", "who", "all", "which", "new"}, {"class", "2de3", "who", "pupils", "which", "all"}} {
			if code, _ := o.send(t, "cpe", "POST", "/accounts/class", form...); code != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", form, code)
			}
		}
		for _, class := range []string{"far-class", "", "no-such", "\x00"} {
			if code, _ := o.send(t, "cpe", "POST", "/accounts/class", "class", class, "who", "pupils", "which", "new"); code != http.StatusNotFound {
				t.Errorf("class %q: %d", class, code)
			}
		}
	})
}

var parameters = regexp.MustCompile(`\{(\w+)\}`)

// Every route for everybody: the rule, the other school, and the operator, who reads no
// name of a pupil or guardian anywhere.
func TestEveryAccountRouteForEverybody(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		for person, role := range map[string]page.Role{"head": page.Head, "lea": page.Pupil, "nadia": page.Guardian} {
			if _, _, err := o.openFor(t, page.Head, person, role); err != nil {
				t.Fatal(err)
			}
		}
		var theirs account.Account
		err := o.db.InSchool(t.Context(), "other", func(ctx context.Context, tx database.Tx) (err error) {
			theirs, err = account.Create(ctx, tx, account.Account{School: "other", Person: "far-adult", Role: page.Guardian, CreatedAt: peopleDay})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		families := regexp.MustCompile(`(?i)Benali|Tisserand|Jaouen|Sangar|Haddad|Floc|Lointain`)
		before, beforeFar := o.acts(t, "alice-guy"), o.acts(t, "other")
		routes := 0
		for _, route := range o.routes.All() {
			if !strings.Contains(route.Pattern, "/accounts") && !strings.Contains(route.Pattern, "/schools") && !strings.Contains(route.Pattern, "/people/{") {
				continue
			}
			routes++
			method, pattern, _ := strings.Cut(route.Pattern, " ")
			want := "head, cpe, secretary"
			if strings.HasSuffix(pattern, "/accounts/staff") {
				want = "head, cpe"
			}
			if strings.HasPrefix(pattern, "/schools") {
				want = "operator"
			}
			if got := route.Rule.String(); got != want && !strings.HasPrefix(pattern, "/people/{account}") {
				t.Errorf("%s has the rule %s, want %s", route.Pattern, got, want)
			}
			path := func(ids map[string]string) string {
				return parameters.ReplaceAllStringFunc(pattern, func(p string) string { return url.PathEscape(ids[strings.Trim(p, "{}")]) })
			}
			form := []string{"role", "guardian", "do", "close", "id", "0123456789abcdefghjk", "class", "far-class", "who", "guardians", "which", "new"}
			far := path(map[string]string{"school": "other", "person": "far-adult", "account": theirs.ID})
			for _, role := range append(page.Roles(), "") {
				code, body := o.send(t, string(role), method, far, form...)
				named := strings.Contains(pattern, "{") && !strings.HasPrefix(pattern, "/schools/{school}/accounts")
				switch {
				case role == "" && (code == http.StatusSeeOther) != (method == "GET"), role == "" && method == "POST" && code != http.StatusUnauthorized:
					t.Errorf("%s signed out: %d", route.Pattern, code)
				case role != "" && !route.Rule.Allows(role) && code != http.StatusForbidden:
					t.Errorf("%s as %s: %d by the rule %s", route.Pattern, role, code, route.Rule)
				case role != "" && route.Rule.Allows(role) && named && code != http.StatusNotFound && !(role == page.Operator && code == http.StatusForbidden):
					t.Errorf("%s as %s with the other school's: %d", route.Pattern, role, code)
				}
				if families.MatchString(strings.ReplaceAll(body, "Collège Voisin", "")) && strings.Contains(body, "Lointain") {
					t.Errorf("%s as %s shows the other school", route.Pattern, role)
				}
			}
			// The operator, with each of our people and accounts.
			for _, person := range []string{"lea", "nadia", "ronan", "head", "roy", "no-such"} {
				ids := map[string]string{"school": "alice-guy", "person": person}
				for _, a := range o.accounts(t, "alice-guy", person) {
					ids["account"] = a.ID
				}
				if ids["account"] == "" {
					ids["account"] = "none"
				}
				if method == "POST" && person == "head" {
					continue // that one is the operator's to change
				}
				code, body := o.send(t, "operator", method, path(ids), form...)
				if found := families.FindString(body); found != "" {
					t.Errorf("%s of %s: the operator reads %q", route.Pattern, person, found)
				}
				if code >= 500 || (method == "POST" && code < 400) {
					t.Errorf("%s of %s as operator: %d", route.Pattern, person, code)
				}
			}
		}
		if code, body := o.send(t, "operator", "GET", "/schools/alice-guy/accounts?class=2de3"); code != http.StatusOK || families.MatchString(body) || !strings.Contains(body, "Marchetti") {
			t.Errorf("the operator asks for a class: %d %s", code, families.FindString(body))
		}
		if routes != 16 {
			t.Errorf("%d routes, want 16", routes)
		}
		if a, b := o.acts(t, "alice-guy"), o.acts(t, "other"); !slices.Equal(a, before) || !slices.Equal(b, beforeFar) {
			t.Errorf("the journals went from %v %v to %v %v", before, beforeFar, a, b)
		}
		// Counts are what the operator has, and they are right.
		_, body := o.send(t, "operator", "GET", "/schools")
		row := regexp.MustCompile(`(?s)Lycée Alice-Guy.*?</tr>`).FindString(body)
		var counts []string
		for _, m := range regexp.MustCompile(`<td class="num end">(\d+)</td>`).FindAllStringSubmatch(row, -1) {
			counts = append(counts, m[1])
		}
		if !slices.Equal(counts, []string{"6", "7", "6", "3"}) || !strings.Contains(row, "lettre faite") {
			t.Errorf("the operator counts %v in %s", counts, row)
		}
	})
}

// The same press eight times at once: one account, one letter that counts, a chain that
// verifies.
func TestOpenAtOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		var mu sync.Mutex
		var codes []string
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				w := o.answer("head", "POST", "/people/nadia/accounts", "role", "guardian")
				code := codeOnPage.FindString(w.Body.String())
				if w.Code != http.StatusOK || code == "" {
					t.Errorf("%d", w.Code)
				}
				mu.Lock()
				defer mu.Unlock()
				codes = append(codes, code)
			})
		}
		all.Wait()
		if n := len(o.accounts(t, "alice-guy", "nadia")); n != 1 {
			t.Fatalf("%d accounts", n)
		}
		good := 0
		err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			for _, code := range codes {
				if _, err := account.ByCode(ctx, tx, peopleDay, code); err == nil {
					good++
				} else if !errors.Is(err, account.ErrCode) {
					return err
				}
			}
			return nil
		})
		if err != nil || good != 1 {
			t.Errorf("%d codes count: %v", good, err)
		}
		opened := 0
		for _, act := range o.acts(t, "alice-guy") {
			if act == "account.opened" {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("opened %d times", opened)
		}
	})
}

// Somebody of the staff who stands in no file: the form loses nothing, pressed twice is
// one person, and the account is opened on the page that follows.
func TestAddStaff(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		for _, at := range []struct{ as, base string }{{"head", ""}, {"operator", "/schools/alice-guy"}} {
			id := map[string]string{"head": "0123456789abcdefghjk", "operator": "00000000000000000001"}[at.as]
			code, body := o.send(t, at.as, "POST", at.base+"/accounts/staff", "id", id, "last", "Perrin", "first", "<b>")
			if code != http.StatusUnprocessableEntity || !strings.Contains(body, `value="Perrin"`) || !strings.Contains(body, `id="f-first-error"`) || !strings.Contains(body, id) {
				t.Errorf("%s: %d %s", at.as, code, body)
			}
			for range 2 {
				code, to := o.send(t, at.as, "POST", at.base+"/accounts/staff", "id", id, "last", "Perrin", "first", "Zoé")
				if code != http.StatusSeeOther || to != fmt.Sprintf("%s/people/%s/accounts", at.base, id) {
					t.Fatalf("%s: %d %s", at.as, code, to)
				}
			}
			if code, body := o.send(t, at.as, "GET", at.base+"/people/"+id+"/accounts"); code != http.StatusOK || !strings.Contains(body, "Zoé Perrin") {
				t.Errorf("%s: %d", at.as, code)
			}
			if code, body := o.send(t, at.as, "POST", at.base+"/people/"+id+"/accounts"); code != http.StatusUnprocessableEntity {
				t.Errorf("%s, no role: %d %s", at.as, code, body)
			}
			if code, body := o.send(t, at.as, "POST", at.base+"/people/"+id+"/accounts", "role", "head"); code != http.StatusOK || !codeOnPage.MatchString(body) {
				t.Errorf("%s: %d %s", at.as, code, body)
			}
		}
		for _, id := range []string{"", "lea", "roy", "far-staff", strings.Repeat("0", 200)} {
			if code, _ := o.send(t, "head", "POST", "/accounts/staff", "id", id, "last", "Perrin", "first", "Zoé"); code != http.StatusUnprocessableEntity {
				t.Errorf("the id %q: %d", id, code)
			}
		}
	})
}

// Every sentence of every page exists in both languages.
func TestNoBareKeysOfPeople(t *testing.T) {
	t.Parallel()
	o := openOffice(t, databasetest.SQLite(t))
	for person, role := range map[string]page.Role{"head": page.Head, "lea": page.Pupil, "nadia": page.Guardian, "roy": page.Teacher} {
		a, _, err := o.openFor(t, page.Head, person, role)
		if err != nil {
			t.Fatal(err)
		}
		if person == "lea" {
			if err := o.at(t, page.Head, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) error {
				return d.Close(ctx, tx, s.ID, a.ID)
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	bare := regexp.MustCompile(`\b(account|page|app)\.[a-z-]+[a-z.-]*|\{[a-z]+\}`)
	for _, ask := range [][]string{
		{"head", "GET", "/accounts?done=none"}, {"head", "GET", "/accounts?class=2de3"}, {"head", "GET", "/accounts/staff"}, {"head", "GET", "/people/roy/accounts?done=role"},
		{"head", "GET", "/people/head/accounts?done=close"}, {"cpe", "GET", "/people/head/accounts"}, {"cpe", "GET", "/people/office/accounts"}, {"head", "GET", "/people/lea/accounts?done=reopen"},
		{"head", "GET", "/people/nadia/accounts"}, {"head", "GET", "/people/sami/accounts"}, {"head", "GET", "/people/karim/accounts"}, {"operator", "GET", "/schools"},
		{"operator", "GET", "/schools/alice-guy/accounts"}, {"operator", "GET", "/schools/other/people/far-staff/accounts"},
		{"head", "POST", "/people/office/accounts", "role", "secretary"}, {"head", "POST", "/accounts/class", "class", "2de3", "who", "guardians", "which", "new"},
		{"head", "POST", "/people/roy/accounts", "role", "pupil"}, {"head", "POST", "/people/ronan/accounts", "role", "guardian"},
	} {
		for _, lang := range page.Languages() {
			form := url.Values{}
			for i := 3; i+1 < len(ask); i += 2 {
				form.Add(ask[i], ask[i+1])
			}
			r := httptest.NewRequest(ask[1], ask[2], strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: "as", Value: ask[0]})
			r.AddCookie(&http.Cookie{Name: "preau_language", Value: lang})
			w := httptest.NewRecorder()
			o.routes.ServeHTTP(w, r)
			if w.Code == http.StatusSeeOther {
				continue // the letters were made in the first language
			}
			body := ""
			if w.Header().Get("Content-Type") == "application/pdf" {
				body = strings.Join(papertest.Pages(t, w.Body.Bytes()), "\n")
			} else {
				_, body, _ = strings.Cut(page.Plain(w.Body.String()), "<main")
			}
			if found := bare.FindString(body); found != "" || body == "" {
				t.Errorf("%v in %s (%d) says %q", ask, lang, w.Code, found)
			}
		}
	}
}
