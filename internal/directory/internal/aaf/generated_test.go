package aaf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
)

// withoutPlaces returns an export without what depends on the files' names and order.
func withoutPlaces(e *aaf.Export) *aaf.Export {
	out := &aaf.Export{
		Schools: append([]aaf.School(nil), e.Schools...), Pupils: append([]aaf.Pupil(nil), e.Pupils...),
		Guardians: append([]aaf.Guardian(nil), e.Guardians...), Staff: append([]aaf.Staff(nil), e.Staff...),
		GuardiansRead: e.GuardiansRead,
	}
	for i := range out.Schools {
		out.Schools[i].File, out.Schools[i].Line = "", 0
	}
	for i := range out.Pupils {
		p := &out.Pupils[i]
		p.File, p.Line = "", 0
		p.Links = append([]aaf.Link(nil), p.Links...)
		for j := range p.Links {
			p.Links[j].File, p.Links[j].Line = "", 0
		}
	}
	for i := range out.Guardians {
		out.Guardians[i].File, out.Guardians[i].Line = "", 0
	}
	for i := range out.Staff {
		out.Staff[i].File, out.Staff[i].Line = "", 0
	}
	return out
}

// difference says where two exports part.
func difference(got, want *aaf.Export) string {
	g, w := withoutPlaces(got), withoutPlaces(want)
	if reflect.DeepEqual(g, w) {
		return ""
	}
	gv, wv := reflect.ValueOf(*g), reflect.ValueOf(*w)
	for i := range gv.NumField() {
		name := gv.Type().Field(i).Name
		if !gv.Type().Field(i).IsExported() || reflect.DeepEqual(gv.Field(i).Interface(), wv.Field(i).Interface()) {
			continue
		}
		if gv.Field(i).Kind() != reflect.Slice || gv.Field(i).Len() != wv.Field(i).Len() {
			return fmt.Sprintf("%s: got %d, want %d", name, size(gv.Field(i)), size(wv.Field(i)))
		}
		for j := range gv.Field(i).Len() {
			a, b := gv.Field(i).Index(j).Interface(), wv.Field(i).Index(j).Interface()
			if !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("%s %d:\n got %#v\nwant %#v", name, j, a, b)
			}
		}
	}
	return "they differ in what is not exported"
}

func size(v reflect.Value) int {
	if v.Kind() == reflect.Slice {
		return v.Len()
	}
	return int(v.Int())
}

func anySize(t *rapid.T) aaftest.Size {
	return aaftest.Size{
		Schools: rapid.IntRange(1, 3).Draw(t, "schools"),
		Pupils:  rapid.IntRange(0, 25).Draw(t, "pupils"),
		Staff:   rapid.IntRange(0, 12).Draw(t, "staff"),
		Strays:  rapid.IntRange(0, 40).Draw(t, "strays"),
		PerFile: rapid.IntRange(4, 60).Draw(t, "records per file"),
		Later:   rapid.Bool().Draw(t, "later"),
		Current: rapid.Bool().Draw(t, "current"),
		Latin:   rapid.Bool().Draw(t, "latin"),
		CRLF:    rapid.Bool().Draw(t, "crlf"),
		Unnamed: rapid.Bool().Draw(t, "no version"),
	}
}

// What is read is what was written, whatever the files are called and in whatever
// order they are named.
func TestReadsWhatWasGenerated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir := tempDir(t)
		want, err := aaftest.Generate(dir, rapid.Uint64().Draw(t, "seed"), anySize(t))
		if err != nil {
			t.Fatal(err)
		}
		written, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for i, from := range rapid.Permutation(written).Draw(t, "order") {
			to := filepath.Join(dir, fmt.Sprintf("%03d.txt", i))
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, to)
		}
		check(t, paths, want)
		check(t, rapid.Permutation(paths).Draw(t, "another order"), want)
		check(t, []string{dir}, want)
	})
}

// Records of all kinds, shuffled into files of mixed kinds, read the same: a guardian
// who stands before the pupil is found again.
func TestReadsMixedFiles(t *testing.T) {
	t.Parallel()
	request := regexp.MustCompile(`(?s)<addRequest>.*?</addRequest>`)
	rapid.Check(t, func(t *rapid.T) {
		dir := tempDir(t)
		size := anySize(t)
		size.Latin, size.PerFile = false, 2000
		want, err := aaftest.Generate(dir, rapid.Uint64().Draw(t, "seed"), size)
		if err != nil {
			t.Fatal(err)
		}
		written, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil {
			t.Fatal(err)
		}
		var records []string
		for _, path := range written {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, request.FindAllString(string(text), -1)...)
		}
		records = rapid.Permutation(records).Draw(t, "records")
		mixed := tempDir(t)
		files := rapid.IntRange(1, 4).Draw(t, "files")
		for i := range files {
			var part []string
			for j := i; j < len(records); j += files {
				part = append(part, records[j])
				if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
					part = append(part, records[j]) // the same twice counts once
				}
			}
			body := "<ficAlimMENESR>\n" + strings.Join(part, "\n") + "\n</ficAlimMENESR>\n"
			if err := os.WriteFile(filepath.Join(mixed, fmt.Sprintf("%d.xml", i)), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		check(t, []string{mixed}, want)
	})
}

func check(t *rapid.T, paths []string, want *aaf.Export) {
	t.Helper()
	got, refusals, err := aaf.Read(context.Background(), paths, aaf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(refusals) > 0 {
		t.Fatalf("%d refusals, first %+v", len(refusals), refusals[0])
	}
	if d := difference(got, want); d != "" {
		t.Fatal(d)
	}
}

func tempDir(t *rapid.T) string {
	dir, err := os.MkdirTemp("", "aaf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestCountsOfGenerated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	size := aaftest.Lycee()
	size.Strays = 9 * 1900
	want, err := aaftest.Generate(dir, 2013, size)
	if err != nil {
		t.Fatal(err)
	}
	got, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
	if err != nil || len(refusals) > 0 {
		t.Fatal(err, refusals)
	}
	c := got.Counts()
	if c != want.Counts() {
		t.Errorf("got %+v, want %+v", c, want.Counts())
	}
	if c.Pupils != 1200 || c.Links != c.MayBeTold+c.MayNotBeTold || c.Guardians < c.LinkedGuardians+9*1900 {
		t.Errorf("counts do not add up: %+v", c)
	}
	if n := len(got.PupilsOf(got.Schools[0].Key)); n != 1200 {
		t.Errorf("PupilsOf gives %d", n)
	}
	if n := len(got.PupilsOf("nowhere")); n != 0 {
		t.Errorf("PupilsOf(nowhere) gives %d", n)
	}
	for _, p := range got.Pupils {
		for _, l := range p.Links {
			if g, ok := got.Guardian(l.GuardianKey); !ok || g.Key != l.GuardianKey {
				t.Fatalf("the guardian of line %d is not found", l.Line)
			}
		}
	}
}

// The same seed writes the same bytes.
func TestGenerateIsRepeatable(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	size := aaftest.Size{Schools: 2, Pupils: 40, Staff: 5, Strays: 30, PerFile: 25, Later: true, Latin: true}
	for _, dir := range []string{a, b} {
		if _, err := aaftest.Generate(dir, 7, size); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(a)
	if err != nil || len(files) < 8 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		one, err := os.ReadFile(filepath.Join(a, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(b, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if string(one) != string(two) {
			t.Errorf("%s differs", f.Name())
		}
	}
}

// Guardians of nobody are nine in ten of an export and must cost next to nothing.
func TestStraysStayOutOfMemory(t *testing.T) {
	heap := func(strays int) uint64 {
		dir := t.TempDir()
		if _, err := aaftest.Generate(dir, 1, aaftest.Size{Schools: 1, Pupils: 300, Strays: strays}); err != nil {
			t.Fatal(err)
		}
		export, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
		if err != nil || len(refusals) > 0 {
			t.Fatal(err, refusals)
		}
		if len(export.Guardians) > 700 || export.GuardiansRead < strays {
			t.Errorf("%d guardians kept of %d", len(export.Guardians), export.GuardiansRead)
		}
		var mem runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&mem)
		runtime.KeepAlive(export)
		return mem.HeapAlloc
	}
	few, many := heap(0), heap(20_000)
	if more := int64(many) - int64(few); more > 200<<10 {
		t.Errorf("20,000 guardians of nobody leave %d KiB in the export", more>>10)
	}
}
