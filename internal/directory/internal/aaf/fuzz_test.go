package aaf_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
)

// FuzzRead gives any bytes as one file of an export whose other files are sound.
func FuzzRead(f *testing.F) {
	for i, size := range []aaftest.Size{
		{Schools: 1, Pupils: 3, Staff: 5, Strays: 2},
		{Schools: 2, Pupils: 2, Staff: 1, Later: true, Latin: true, CRLF: true},
		{Schools: 1, Pupils: 3, Staff: 1, Current: true},
	} {
		dir := f.TempDir()
		if _, err := aaftest.Generate(dir, uint64(i), size); err != nil {
			f.Fatal(err)
		}
		written, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil || len(written) < 6 {
			f.Fatal(written, err)
		}
		for _, path := range written {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, text := range []string{
		"", "<", "\xff\xfe<\x00", "PK\x03\x04", "\ufeff<ficAlimMENESR/>",
		whole(pupilA), whole(pupilA, pupilA), whole(with(pupilA, "200$2$1$1$0$0", "200$10$1$1$0$0")),
		whole(with(pupilA, "200$2$1$1$0$0", "200$2$1$1$0")), whole(with(pupilA, "<id>100", "<id>1$00")),
		with(whole(schoolB), `SYSTEM "ficAlimMENESR.dtd"`, `[<!ENTITY a "b">]`), with(whole(motherA), "Hélène", "&a;"),
		with(whole(motherA), "Hélène", "H\xe9l\xe8ne"), with(whole(staffA), "VE1301", "VE2407"),
		with(whole(staffA), "PASSEBOISSE", "<![CDATA[PASSE]]>&#66;OISSE<!-- -->"),
		`<?xml version="1.0" encoding="ISO-8859-15"?>` + whole(motherA), "<BEE_ELEVES/>", head, head + "<deleteRequest/>" + foot,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := files(t, map[string]string{"a.xml": whole(schoolA), "b.xml": string(text), "c.xml": whole(motherA)})
		export, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, refusalsAgain, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
		if err != nil || !reflect.DeepEqual(refusals, refusalsAgain) || difference(export, again) != "" {
			t.Fatalf("read twice, read differently: %v\n%v\n%v", err, refusals, refusalsAgain)
		}
		sane(t, export, refusals, bytes.Count(text, []byte{'\n'})+1)
		if len(export.Files) == 3 && len(refusals) == 0 {
			wellFormed(t, text)
		}
	})
}

// sane checks what holds for every export, whatever was in the files.
func sane(t *testing.T, e *aaf.Export, refusals []aaf.Refusal, lines int) {
	schools := make(map[string]bool)
	for _, s := range e.Schools {
		if s.Key == "" || schools[s.Key] {
			t.Errorf("school %q twice or nameless", s.Key)
		}
		schools[s.Key] = true
	}
	pupils := make(map[string]bool)
	for _, p := range e.Pupils {
		if p.Key == "" || pupils[p.Key] || !schools[p.SchoolKey] || p.Usual == "" || p.Line < 1 || p.Line > lines {
			t.Errorf("pupil %+v", p)
		}
		pupils[p.Key] = true
		if p.Born != "" && len(p.Born) != 10 {
			t.Errorf("born %q", p.Born)
		}
		for _, l := range p.Links {
			if _, known := e.Guardian(l.GuardianKey); known == l.Unresolved {
				t.Errorf("link %+v: guardian known %v", l, known)
			}
			told := l.LegalRepresentative()
			switch {
			case told && e.Dialect == "":
				t.Errorf("a legal representative in files of no dialect: %+v", l)
			case told && e.Dialect == aaf.Current && l.Legal != "1", told && e.Dialect == aaf.Old && l.Legal != "1" && l.Legal != "2":
				t.Errorf("a legal representative in %s: %+v", e.Dialect, l)
			}
		}
	}
	n := e.Counts()
	if n.Links != n.MayBeTold+n.MayNotBeTold+n.Unresolved || n.LinkedGuardians > n.Guardians {
		t.Errorf("counts %+v", n)
	}
	for _, r := range refusals {
		if r.Reason == "" || strings.Contains(r.Reason, "%!") || r.Line < 0 || r.Line > lines+30 {
			t.Errorf("refusal %+v", r)
		}
		if r.HoldsBackAll && !e.HeldBack("52000") {
			t.Errorf("not held back in spite of %+v", r)
		}
	}
}

// wellFormed has the standard library's checking decoder agree that a file that was
// read is XML.
func wellFormed(t *testing.T, text []byte) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) {
		all, err := io.ReadAll(r)
		var utf8 bytes.Buffer
		for _, c := range all {
			utf8.WriteRune(rune(c))
		}
		return &utf8, err
	}
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("read, although it is no XML: %v\n%q", err, text)
		}
	}
}
