package account_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/account/internal/paper/papertest"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// The letters of a whole school are one file: one page a person, a guardian once however
// many children there are, each page with its own code and nobody else's, and each code
// opens the account that the page names. Whoever may be told about nobody has no page.
func TestLettersOfASchoolOnPaper(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		guardians, pupils := map[string]bool{}, map[string]bool{}
		err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			all, err := directory.Of(ctx, tx, "alice-guy", directory.KindPupil, "2026-11-24")
			if err != nil {
				return err
			}
			classes, err := directory.ClassIDs(ctx, tx, "alice-guy", "2026-11-24")
			if err != nil {
				return err
			}
			for _, p := range all {
				if classes[p.ID] == "" {
					continue
				}
				pupils[p.FirstName+" "+p.LastName] = true
				told, _, err := directory.MayBeTold(ctx, tx, "alice-guy", p.ID, peopleDay)
				if err != nil {
					return err
				}
				for _, r := range told {
					if r.Person.ID != p.ID {
						guardians[r.Person.FirstName+" "+r.Person.LastName] = true
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		codeOf := regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}`)
		letters := func(form ...string) map[string]string {
			t.Helper()
			res := o.answer("cpe", "POST", "/accounts/class", form...)
			if res.Code != http.StatusOK || res.Header().Get("Content-Type") != "application/pdf" || res.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%v: %d %v %s", form, res.Code, res.Header(), res.Body)
			}
			out := map[string]string{}
			for _, text := range papertest.Pages(t, res.Body.Bytes()) {
				codes := codeOf.FindAllString(text, -1)
				if len(codes) != 1 {
					t.Fatalf("%d codes on one page: %s", len(codes), text)
				}
				err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
					a, err := account.ByCode(ctx, tx, peopleDay, codes[0])
					if err != nil {
						return err
					}
					p, err := directory.PersonByID(ctx, tx, a.School, a.Person)
					if name := p.FirstName + " " + p.LastName; !strings.Contains(text, name) || !strings.Contains(text, a.Identifier) || out[name] != "" {
						t.Errorf("the code of %s (%s) stands on:\n%s", name, a.Identifier, text)
					} else {
						out[name] = codes[0]
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				for name := range guardians {
					if strings.Contains(text, name) && out[name] != codes[0] {
						t.Errorf("%s is named on somebody else's page:\n%s", name, text)
					}
				}
			}
			return out
		}
		same := func(got map[string]string, want map[string]bool) {
			t.Helper()
			if len(got) != len(want) {
				t.Errorf("%d letters, want %d", len(got), len(want))
			}
			for name := range want {
				if got[name] == "" {
					t.Errorf("no letter for %s", name)
				}
			}
		}
		first := letters("who", "guardians", "which", "new")
		same(first, guardians)
		if len(guardians) < 6 || first["Nadia Benali"] == "" || first["Karim Benali"] == "" {
			t.Errorf("guardians: %v", guardians)
		}
		same(letters("who", "pupils", "which", "new"), pupils)
		again := letters("who", "guardians", "which", "again", "class", "2de3")
		for name, code := range again {
			if code == first[name] {
				t.Errorf("%s has the code of the letter before", name)
			}
		}
		if len(again) == 0 || len(again) > len(first) {
			t.Errorf("%d letters made again of %d", len(again), len(first))
		}
		staff := letters("who", "staff", "which", "new")
		if len(staff) == 0 {
			t.Error("no letters for staff")
		}
		for _, a := range o.accounts(t, "alice-guy", "roy") {
			if a.Role != page.Teacher {
				t.Errorf("the letter opened an account of a %s", a.Role)
			}
		}
		issued := 0
		for _, act := range o.acts(t, "alice-guy") {
			if act == "account.code" {
				issued++
			}
		}
		if want := len(first) + len(pupils) + len(again) + len(staff); issued != want {
			t.Errorf("%d codes in the journal, %d were issued", issued, want)
		}
		if res := o.answer("cpe", "POST", "/accounts/class", "who", "staff", "which", "new"); res.Code != http.StatusSeeOther || res.Header().Get("Location") != "/accounts?done=none" {
			t.Errorf("nobody left: %d %s", res.Code, res.Header().Get("Location"))
		}
		for _, form := range [][]string{{"who", "staff", "which", "new", "class", "2de3"}, {"who", "everybody", "which", "new"}, {"who", "pupils", "which", "old", "class", "2de3"}} {
			if code, _ := o.send(t, "cpe", "POST", "/accounts/class", form...); code != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", form, code)
			}
		}
		for _, as := range []string{"operator", "office", "teacher", "guardian", "pupil"} {
			if code, _ := o.send(t, as, "POST", "/accounts/class", "who", "guardians", "which", "again"); slices.Contains([]int{200, 303}, code) {
				t.Errorf("%s: %d", as, code)
			}
		}
	})
}
