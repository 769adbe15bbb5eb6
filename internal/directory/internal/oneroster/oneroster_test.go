package oneroster_test

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster/onerostertest"
)

func sheets(files map[string][]byte) []oneroster.Sheet {
	var out []oneroster.Sheet
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, oneroster.Sheet{Path: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files[name])), nil }})
	}
	return out
}

func read(t testing.TB, files map[string][]byte, o oneroster.Options) (*oneroster.Export, []intake.Refusal) {
	t.Helper()
	o.English = true
	e, refusals, err := oneroster.Read(t.Context(), sheets(files), o)
	if err != nil {
		t.Fatal(err)
	}
	return e, refusals
}

// sample is a public bundle, which is no part of this repository.
func sample(t *testing.T, name string) map[string][]byte {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "..", "shared", "samples", "oneroster-1.2", name)
	z, err := zip.OpenReader(path)
	if os.IsNotExist(err) {
		t.Skipf("LEFT OUT: the bundle %s is not here, so its counts were not checked", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// One parent, who names the pupil; the pupils' own agents are teachers.
func TestSample11(t *testing.T) {
	t.Parallel()
	e, refusals := read(t, sample(t, "Test_full_data_set.zip"), oneroster.Options{Day: "2026-11-24"})
	if len(refusals) > 0 || len(e.Schools) != 1 || e.Version != "1.1" {
		t.Fatalf("%+v %+v", refusals, e)
	}
	s := e.Schools[0]
	if len(s.Pupils) != 3 || len(s.Staff) != 2 || len(s.Links) != 4 || len(s.Adults) != 3 || s.Unresolved != 0 || e.Guardians != 1 || len(s.Groups) != 1 || len(e.Remarks) != 3 {
		t.Errorf("%d pupils, %d staff, %d links, %d adults, %d unresolved, %d guardians, %d groups, %d remarks", len(s.Pupils), len(s.Staff), len(s.Links), len(s.Adults), s.Unresolved, e.Guardians, len(s.Groups), len(e.Remarks))
	}
	if got, want := told(e), []string{"usr-222-66778899 usr-222-1234561"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// No guardian at all: the agents are two teachers, of whom one has a guardian's role
// beside, and somebody who administers the site.
func TestSample12(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"2025-06-01", "2026-11-24"} {
		e, refusals := read(t, sample(t, "v1p2_full_dataset.zip"), oneroster.Options{Day: day})
		if len(refusals) > 0 || len(e.Schools) != 1 || e.Version != "1.2" {
			t.Fatalf("%+v %+v", refusals, e)
		}
		s := e.Schools[0]
		if len(s.Pupils) != 3 || len(s.Staff) != 3 || len(s.Links) != 4 || len(s.Adults) != 3 || s.Unresolved != 0 || e.Guardians != 1 {
			t.Errorf("%d pupils, %d staff, %d links, %d adults, %d unresolved, %d guardians", len(s.Pupils), len(s.Staff), len(s.Links), len(s.Adults), s.Unresolved, e.Guardians)
		}
		if got := told(e); len(got) > 0 {
			t.Errorf("on %s told %v", day, got)
		}
		var reasons []string
		for _, r := range e.Remarks {
			reasons = append(reasons, r.Reason)
		}
		all := strings.Join(reasons, "\n")
		for _, words := range []string{`"prefferedGivenName" read as "preferredGivenName"`, "siteadministrator", "John Doe"} {
			if !strings.Contains(all, words) {
				t.Errorf("on %s nothing says %s in\n%s", day, words, all)
			}
		}
		if also := strings.Contains(all, "also"); also != (day < "2025-09-23") {
			t.Errorf("on %s: %s", day, all)
		}
	}
}

func told(e *oneroster.Export) []string {
	var out []string
	for _, s := range e.Schools {
		for _, l := range s.Links {
			if l.Guardian {
				out = append(out, l.Pupil+" "+l.Adult)
			}
		}
	}
	slices.Sort(out)
	return out
}

// What was generated is what is read: every guardian, and nobody else, whatever the
// order of the files.
func TestReadsWhatWasGenerated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		size := onerostertest.Size{
			Schools: rapid.IntRange(1, 3).Draw(rt, "schools"), Pupils: rapid.IntRange(0, 40).Draw(rt, "pupils"), Staff: rapid.IntRange(1, 5).Draw(rt, "staff"),
			Version: rapid.SampledFrom([]string{"1.1", "1.2"}).Draw(rt, "version"), Misspelled: rapid.Bool().Draw(rt, "misspelled"), BOM: rapid.Bool().Draw(rt, "bom"), CRLF: rapid.Bool().Draw(rt, "crlf"),
		}
		files, truth := onerostertest.Generate(rapid.Uint64().Draw(rt, "seed"), size)
		e, refusals, err := oneroster.Read(t.Context(), rapid.Permutation(sheets(files)).Draw(rt, "order"), oneroster.Options{English: true, Day: "2026-11-24"})
		if err != nil || len(refusals) > 0 {
			rt.Fatal(err, refusals)
		}
		pupils, unresolved := 0, 0
		links := map[[2]string]bool{}
		for _, s := range e.Schools {
			pupils += len(s.Pupils)
			unresolved += s.Unresolved
			in := 0
			for _, l := range s.Links {
				links[[2]string{l.Pupil, l.Adult}] = l.Guardian
			}
			for _, g := range s.Groups {
				in += len(g.Pupils)
			}
			if in != len(s.Pupils) {
				rt.Fatalf("%d pupils in a class of %d", in, len(s.Pupils))
			}
		}
		if pupils != truth.Pupils || unresolved != truth.Unresolved || len(links) != len(truth.Guardians)+len(truth.Others) {
			rt.Fatalf("%d pupils, %d unresolved, %d links; want %d, %d, %d", pupils, unresolved, len(links), truth.Pupils, truth.Unresolved, len(truth.Guardians)+len(truth.Others))
		}
		for pair, guardian := range links {
			if guardian != truth.Guardians[pair] || !guardian && !truth.Others[pair] {
				rt.Fatalf("%v read as a guardian: %v", pair, guardian)
			}
		}
	})
}

// small is a sound roster, in which tests change a thing.
func small(version string) map[string][]byte {
	files := map[string][]byte{
		"manifest.csv": []byte("propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\nfile.orgs,bulk\nfile.classes,bulk\nfile.enrollments,bulk\n"),
		"orgs.csv":     []byte("sourcedId,name,type,identifier,parentSourcedId\no1,Collège fictif,school,0990001A,\n"),
		"users.csv": []byte("sourcedId,orgSourcedIds,role,givenName,familyName,email,sms,phone,agentSourcedIds\n" +
			"p1,o1,student,Léa,Calmeval,,,,a1\na1,o1,guardian,Hélène,Calmeval,h@c.example,0639980101,,\nt1,o1,teacher,Ève,Roux,,,,\n"),
		"classes.csv":     []byte("sourcedId,title,classType,schoolSourcedId\nc1,6e A,homeroom,o1\n"),
		"enrollments.csv": []byte("sourcedId,classSourcedId,userSourcedId,role,beginDate,endDate\ne1,c1,p1,student,2026-09-01,2027-07-04\n"),
	}
	if version == "1.2" {
		files["manifest.csv"] = []byte(strings.Replace(string(files["manifest.csv"]), "1.1", "1.2", 1) + "file.roles,bulk\n")
		files["roles.csv"] = []byte("sourcedId,userSourcedId,role,beginDate,endDate,orgSourcedId\nr1,p1,student,,,o1\nr2,a1,guardian,2026-09-01,2027-07-04,o1\nr3,t1,teacher,,,o1\n")
	}
	return files
}

func TestHostile(t *testing.T) {
	t.Parallel()
	type edit struct{ file, old, new string }
	for _, c := range []struct {
		name    string
		version string
		edit    edit
		line    int
		words   string // of the reason; empty: taken
	}{
		{"sound", "1.1", edit{}, 0, ""},
		{"sound 1.2", "1.2", edit{}, 0, ""},
		{"sound with semicolons", "1.1", edit{"orgs.csv", ",", ";"}, 0, ""},
		{"sound with a column nobody knows", "1.1", edit{"orgs.csv", "sourcedId,name,type,identifier,parentSourcedId\no1", "house,sourcedId,name,type,identifier,parentSourcedId\nx,o1"}, 0, ""},
		{"no users", "1.1", edit{file: "-users.csv"}, 0, "whole OneRoster"},
		{"no manifest", "1.1", edit{file: "-manifest.csv"}, 0, "--dialect oneroster-1.1"},
		{"no orgs", "1.1", edit{file: "-orgs.csv"}, 5, "orgs.csv"},
		{"no roles", "1.2", edit{file: "-roles.csv"}, 8, "roles.csv"},
		{"delta users", "1.1", edit{"manifest.csv", "file.users,bulk", "file.users,delta"}, 4, "delta"},
		{"delta enrolments", "1.1", edit{"manifest.csv", "file.enrollments,bulk", "file.enrollments,delta"}, 7, "delta"},
		{"users said absent", "1.1", edit{"manifest.csv", "file.users,bulk", "file.users,absent"}, 4, "users.csv"},
		{"another version", "1.1", edit{"manifest.csv", "oneroster.version,1.1", "oneroster.version,2.0"}, 3, "2.0"},
		{"no version", "1.1", edit{"manifest.csv", "oneroster.version,1.1\n", ""}, 0, "--dialect"},
		{"1.1 said 1.2", "1.1", edit{"manifest.csv", "oneroster.version,1.1", "oneroster.version,1.2"}, 0, "roles.csv"},
		{"no agents' column", "1.1", edit{"users.csv", "agentSourcedIds", "x"}, 1, "agentSourcedIds"},
		{"no role's column", "1.1", edit{"users.csv", "role", "x"}, 1, "role"},
		{"agents' column twice", "1.1", edit{"users.csv", "phone", "agents"}, 1, "two columns"},
		{"cut in a row", "1.1", edit{"users.csv", ",Roux,,,,\n", ",Ro"}, 4, "truncated"},
		{"cut in quotes", "1.1", edit{"users.csv", "Roux,,,,\n", "\"Ro"}, 4, "never closed"},
		{"a comma too many", "1.1", edit{"users.csv", "Roux", "Roux,fils"}, 4, "delimiter"},
		{"text after quotes", "1.1", edit{"users.csv", "Roux", "\"Ro\"ux"}, 4, "closing quotation"},
		{"Latin bytes", "1.1", edit{"users.csv", "Léa", "L\xe9a"}, 2, "0xE9"},
		{"control character", "1.1", edit{"users.csv", "Léa", "L\x00a"}, 2, "0x0"},
		{"an endless cell", "1.1", edit{"users.csv", "Léa", strings.Repeat("a", 40_000)}, 2, "16384"},
		{"an endless quote", "1.1", edit{"users.csv", "Léa", "\"" + strings.Repeat("a\n", 400_000)}, 2, "16384"},
		{"an endless row", "1.1", edit{"users.csv", "Léa", strings.Repeat(strings.Repeat("a", 1000)+",", 300)}, 2, "256 KiB"},
		{"many columns", "1.1", edit{"users.csv", "Léa", strings.Repeat(",", 500)}, 2, "400 columns"},
		{"many agents", "1.1", edit{"users.csv", ",,,,a1\n", ",,,,\"" + strings.Repeat("a,b,c,d,e,f,g,h,", 1) + manyIDs(300) + "\"\n"}, 2, "200 identifiers"},
		{"a workbook", "1.1", edit{"users.csv", "sourcedId", "PK\x03\x04"}, 0, "workbook"},
		{"UTF-16", "1.1", edit{"users.csv", "sourcedId", "\xff\xfes\x00"}, 1, "UTF-16"},
		{"no sourcedId", "1.1", edit{"users.csv", "t1,", ","}, 4, "without a sourcedId"},
		{"the same sourcedId", "1.1", edit{"users.csv", "t1,", "a1,"}, 4, "line 3"},
		{"a status nobody knows", "1.1", edit{"orgs.csv", "sourcedId,name,type,identifier,parentSourcedId\no1", "status,sourcedId,name,type,identifier,parentSourcedId\nmaybe,o1"}, 2, "maybe"},
		{"an unreadable end", "1.2", edit{"roles.csv", "2027-07-04", "4/7/27"}, 3, "4/7/27"},
		{"empty", "1.1", edit{file: "0users.csv"}, 0, "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := small(c.version)
			switch name := c.edit.file; {
			case strings.HasPrefix(name, "-"):
				delete(files, name[1:])
			case strings.HasPrefix(name, "0"):
				files[name[1:]] = nil
			case name != "":
				text := string(files[name])
				if !strings.Contains(text, c.edit.old) {
					t.Fatalf("%q is not in %s", c.edit.old, name)
				}
				n := 1
				if len(c.edit.old) == 1 {
					n = -1
				}
				files[name] = []byte(strings.Replace(text, c.edit.old, c.edit.new, n))
			}
			e, refusals := read(t, files, oneroster.Options{Day: "2026-11-24"})
			if c.words == "" {
				if len(refusals) > 0 || len(told(e)) != 1 || e.HeldBack("o1") {
					t.Fatalf("%+v, told %v", refusals, told(e))
				}
				return
			}
			if len(refusals) == 0 || !strings.Contains(refusals[0].Reason, c.words) || refusals[0].Line != c.line || refusals[0].File == "" {
				t.Errorf("%+v, want line %d and %q", refusals, c.line, c.words)
			}
			if !e.HeldBack("o1") || len(told(e)) > 0 && len(refusals) == 0 {
				t.Errorf("taken all the same: %v", told(e))
			}
		})
	}
}

func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("x")
		b.WriteString(strings.Repeat("y", i%50))
		b.WriteByte(byte('a' + i%26))
		b.WriteByte(',')
	}
	return b.String()
}

// Who is a guardian is decided by the role alone, and not where it is one of several.
func TestWhoIsAGuardian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, version, file, old, new string
		told                          bool
	}{
		{"guardian", "1.1", "", "", "", true},
		{"parent", "1.1", "users.csv", "guardian", "Parent", true},
		{"relative", "1.1", "users.csv", "guardian", "relative", false},
		{"teacher", "1.1", "users.csv", "guardian", "teacher", false},
		{"no word of ours", "1.1", "users.csv", "guardian", "ext:godfather", false},
		{"nearly a guardian", "1.1", "users.csv", "guardian", "gaurdian", false},
		{"nothing", "1.1", "users.csv", "o1,guardian", "o1,", false},
		{"to be deleted", "1.1", "users.csv", "phone,agentSourcedIds\n", "status,agentSourcedIds\n", true},
		{"in force", "1.2", "", "", "", true},
		{"over", "1.2", "roles.csv", "2027-07-04", "2026-11-23", false},
		{"its last day", "1.2", "roles.csv", "2027-07-04", "2026-11-24", true},
		{"to come", "1.2", "roles.csv", "2026-09-01", "2026-11-25", false},
		{"a teacher beside", "1.2", "roles.csv", "r3,t1", "r3,a1", false},
		{"a teacher elsewhere", "1.2", "roles.csv", "r3,t1,teacher,,,o1", "r3,a1,teacher,,,o2", true},
		{"a guardian elsewhere", "1.2", "roles.csv", "2027-07-04,o1", "2027-07-04,o2", true},
		{"of a district", "1.2", "roles.csv", "r3,t1,teacher,,,o1", "r3,a1,districtAdministrator,,,o9", false},
		{"nobody's agent", "1.2", "users.csv", ",,,,a1\n", ",,,,\n", false},
		{"named by the adult", "1.2", "users.csv", "0639980101,,\n", "0639980101,,p1\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := small(c.version)
			files["orgs.csv"] = append(files["orgs.csv"], []byte("o2,Lycée voisin,school,0990002B,\no9,District,district,,\n")...)
			if c.file != "" {
				text := string(files[c.file])
				if !strings.Contains(text, c.old) {
					t.Fatalf("%q is not in %s", c.old, c.file)
				}
				files[c.file] = []byte(strings.Replace(text, c.old, c.new, 1))
			}
			e, refusals := read(t, files, oneroster.Options{Day: "2026-11-24"})
			if got := len(told(e)) == 1; got != c.told || len(refusals) > 0 {
				t.Errorf("told %v %v: %+v %+v", told(e), refusals, e.Schools, e.Remarks)
			}
		})
	}
}
