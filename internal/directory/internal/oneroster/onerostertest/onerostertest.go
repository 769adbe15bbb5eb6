// Package onerostertest writes OneRoster exports about people who do not exist, at any
// size: for tests, for fuzzing and for measurements. The same seed and size give the
// same bytes.
//
// It keeps what a reader must not trip over: families named from either side, relatives,
// teachers who are agents, teachers who are guardians too, agents who are pupils, agents
// of nobody, rows to be deleted, departments of a school, unknown and misspelled
// columns, a byte order mark, quotes and commas in names.
package onerostertest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Size says how much to write, and how.
type Size struct {
	Schools int
	Pupils  int // per school
	Staff   int // per school
	Version string

	Misspelled bool // headers
	BOM        bool
	CRLF       bool
}

// Truth is what a reader must find: pairs of a pupil's and an adult's sourcedId.
type Truth struct {
	Pupils     int
	Guardians  map[[2]string]bool // who may be told
	Others     map[[2]string]bool // read, and may not
	Unresolved int
}

// Generate makes the files, by name.
func Generate(seed uint64, size Size) (map[string][]byte, Truth) {
	g := &generator{rng: rand.New(rand.NewPCG(seed, seed^0x0E5)), size: size, truth: Truth{Guardians: map[[2]string]bool{}, Others: map[[2]string]bool{}}}
	g.orgs = [][]string{{"org-district", "active", "2026-09-01", "District of Nowhere", "district", "", ""}}
	for i := range size.Schools {
		g.school(i)
	}
	return g.files(), g.truth
}

// Write puts the files into a folder.
func Write(dir string, files map[string][]byte) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

type generator struct {
	rng                                             *rand.Rand
	size                                            Size
	next                                            int
	truth                                           Truth
	orgs, users, roles, classes, enrolments, births [][]string
}

func (g *generator) id(kind string) string {
	g.next++
	return fmt.Sprintf("%s-%06d", kind, g.next)
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, from []T) T { return from[g.rng.IntN(len(from))] }

var (
	firsts = []string{"Adèle", "Benoît", "Chloé", "Désiré", "Élodie", "François", "Hélène", "Jean-Loïc", "Maëlle", "Zoé"}
	lasts  = []string{"Auberginac", "Brindezingue", "D'Ornemare", "de La Tremblaye, dit \"Tremble\"", "Lœuillard", "Quatrevaulx", "Çaïque"}
)

// user adds a row, and the role of it in an org.
func (g *generator) user(id, status, last string, agents []string, phone string, roles [][2]string) {
	first := pick(g, firsts)
	role, orgs := "", []string{}
	for _, r := range roles {
		role = r[0]
		orgs = append(orgs, r[1])
		g.roles = append(g.roles, []string{g.id("rol"), status, "2026-09-01", id, "primary", r[0], "2026-08-20", "", r[1]})
	}
	g.users = append(g.users, []string{id, status, "2026-09-01", "true", strings.Join(orgs, ","), role, strings.ToLower(id), "{LDAP:" + id + "}", first, last, "", id,
		strings.ToLower(id) + "@families.example", phone, "0199001234", strings.Join(agents, ","), "09", "", ""})
}

func (g *generator) mobile() string { return fmt.Sprintf("063998%04d", 100+g.rng.IntN(9_900)) }

func (g *generator) school(i int) {
	school := fmt.Sprintf("org-%03d", i)
	g.orgs = append(g.orgs, []string{school, "active", "2026-09-01", fmt.Sprintf("Collège fictif %d", i), "school", fmt.Sprintf("099%04dX", i), "org-district"},
		[]string{school + "-sci", "active", "2026-09-01", "Sciences", "department", "", school})
	var teachers []string
	for n := range max(1, g.size.Staff) {
		id := g.id("usr")
		teachers = append(teachers, id)
		org := school
		if n%3 == 1 {
			org += "-sci"
		}
		g.user(id, "active", pick(g, lasts), nil, "", [][2]string{{"teacher", org}})
	}
	var homerooms []string
	for n := range (g.size.Pupils + 29) / 30 {
		id := g.id("cls")
		homerooms = append(homerooms, id)
		g.classes = append(g.classes, []string{id, "active", "2026-09-01", fmt.Sprintf("%de %c", 6-n%4, 'A'+n/4), "09", "crs-1", fmt.Sprintf("H%d", n), "homeroom", "", school, "trm-1", "", "", ""})
		g.enrolments = append(g.enrolments, []string{g.id("enr"), "active", "2026-09-01", id, school, pick(g, teachers), "teacher", "true", "2026-09-01", "2027-07-04"})
	}
	var pupils []string
	for n := range g.size.Pupils {
		pupil := g.id("usr")
		name := pick(g, lasts)
		var agents []string
		for range 1 + g.rng.IntN(2) {
			adult := g.id("usr")
			g.truth.Guardians[[2]string{pupil, adult}] = true
			theirs := []string{}
			switch side := g.rng.IntN(3); {
			case side == 0:
				theirs = append(theirs, pupil)
			case side == 1:
				theirs = append(theirs, pupil)
				agents = append(agents, adult)
			default:
				agents = append(agents, adult)
			}
			g.user(adult, "active", name, theirs, g.mobile(), [][2]string{{pick(g, []string{"guardian", "parent", "Guardian"}), school}})
		}
		if g.chance(20) {
			adult := g.id("usr")
			agents = append(agents, adult)
			g.truth.Others[[2]string{pupil, adult}] = true
			g.user(adult, "active", name, nil, g.mobile(), [][2]string{{"relative", school}})
		}
		if g.chance(10) {
			adult := pick(g, teachers)
			agents = append(agents, adult)
			g.truth.Others[[2]string{pupil, adult}] = true
		}
		if g.chance(5) && g.size.Version == "1.2" {
			adult := g.id("usr")
			agents = append(agents, adult)
			g.truth.Others[[2]string{pupil, adult}] = true
			g.user(adult, "active", name, nil, g.mobile(), [][2]string{{"teacher", school}, {"guardian", school}})
		}
		if g.chance(5) && len(pupils) > 0 {
			agents = append(agents, pick(g, pupils))
		}
		if g.chance(5) {
			agents = append(agents, g.id("nobody"))
			g.truth.Unresolved++
		}
		if g.chance(5) {
			adult := g.id("usr")
			agents = append(agents, adult)
			g.user(adult, "tobedeleted", name, nil, g.mobile(), [][2]string{{"guardian", school}})
		}
		g.rng.Shuffle(len(agents), func(a, b int) { agents[a], agents[b] = agents[b], agents[a] })
		g.user(pupil, "active", name, agents, "", [][2]string{{"student", school}})
		g.births = append(g.births, []string{pupil, "active", "2026-09-01", fmt.Sprintf("20%02d-%02d-%02d", 8+g.rng.IntN(7), 1+g.rng.IntN(12), 1+g.rng.IntN(28))})
		g.enrolments = append(g.enrolments, []string{g.id("enr"), "active", "2026-09-01", homerooms[n/30], school, pupil, "student", "", "2026-09-01", "2027-07-04"})
		pupils = append(pupils, pupil)
		g.truth.Pupils++
	}
}

func (g *generator) files() map[string][]byte {
	users := strings.Split("sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,metadata.house", ",")
	if g.size.Version == "1.2" {
		// What 1.2 says of roles is in a file of its own.
		drop := func(row []string) []string { return append(slices.Clone(row[:4]), row[6:]...) }
		users = append(drop(users[:18]), "preferredGivenName")
		for i, row := range g.users {
			g.users[i] = drop(row)
		}
	}
	out := map[string][]byte{}
	out["users.csv"] = g.table(users, g.users)
	out["orgs.csv"] = g.table(strings.Split("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId", ","), g.orgs)
	out["classes.csv"] = g.table(strings.Split("sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods", ","), g.classes)
	out["enrollments.csv"] = g.table(strings.Split("sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate", ","), g.enrolments)
	out["demographics.csv"] = g.table(strings.Split("sourcedId,status,dateLastModified,birthDate", ","), g.births)
	manifest := [][]string{{"manifest.version", "1.0"}, {"oneroster.version", g.size.Version}, {"file.users", "bulk"}, {"file.orgs", "bulk"}, {"file.classes", "bulk"}, {"file.enrollments", "bulk"},
		{"file.demographics", "bulk"}, {"file.results", "absent"}, {"source.systemName", "Nowhere SIS"}}
	if g.size.Version == "1.2" {
		out["roles.csv"] = g.table(strings.Split("sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId", ","), g.roles)
		manifest = append(manifest, []string{"file.roles", "bulk"})
	}
	out["manifest.csv"] = g.table([]string{"propertyName", "value"}, manifest)
	return out
}

func (g *generator) table(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	if g.size.BOM {
		b.WriteString("\ufeff")
	}
	w := csv.NewWriter(&b)
	w.UseCRLF = g.size.CRLF
	head := slices.Clone(header)
	if g.size.Misspelled {
		for i, h := range head {
			switch h {
			case "dateLastModified":
				head[i] = "dataLastModified"
			case "agentSourcedIds":
				head[i] = "agentSourcedId"
			case "familyName":
				head[i] = "Family Name"
			case "preferredGivenName":
				head[i] = "prefferedGivenName"
			}
		}
	}
	for _, row := range append([][]string{head}, rows...) {
		if err := w.Write(row); err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	w.Flush()
	return b.Bytes()
}
