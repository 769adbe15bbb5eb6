package aaf

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one file to read.
type source struct {
	path      string
	guardians bool // it seems to hold guardians, which are read last
}

// sources lists the files to read: those of guardians last, for by then it is known
// which are wanted; otherwise by path.
func (r *reading) sources(paths []string) (list []source, ignored []string, err error) {
	var known []os.FileInfo
	found := 0
	add := func(path string, info os.FileInfo, named bool) error {
		found++
		for _, k := range known {
			if os.SameFile(k, info) {
				return nil
			}
		}
		known = append(known, info)
		look, guardians, err := peek(path)
		if why, refused := pathReason(err); refused {
			r.stopFile(path, &stop{reason: why})
			return nil
		}
		switch {
		case err != nil:
			return err
		case look == notXML && !named && !strings.HasSuffix(strings.ToLower(path), ".xml"), look == dtd:
			ignored = append(ignored, path)
			found--
			return nil
		}
		list = append(list, source{path, guardians})
		return nil
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		why, refused := pathReason(err)
		switch {
		case refused:
			r.stopFile(path, &stop{reason: why})
		case err != nil:
			return nil, nil, err
		case info.IsDir():
			found = 0
			if err := r.folder(path, add); err != nil {
				return nil, nil, err
			}
			if found == 0 {
				r.stopFile(path, &stop{reason: whyNoFile})
			}
		case !info.Mode().IsRegular():
			r.stopFile(path, &stop{reason: whyNotAFile})
		default:
			if err := add(path, info, true); err != nil {
				return nil, nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b source) int {
		if a.guardians != b.guardians {
			if a.guardians {
				return 1
			}
			return -1
		}
		return strings.Compare(a.path, b.path)
	})
	slices.Sort(ignored)
	return list, ignored, nil
}

// folder adds the files of a folder; hidden ones are no part of an export.
func (r *reading) folder(path string, add func(string, os.FileInfo, bool) error) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		full := filepath.Join(path, e.Name())
		info, err := os.Stat(full)
		if errors.Is(err, os.ErrNotExist) {
			continue // a link that leads nowhere, or a file that has just gone
		}
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			if err := add(full, info, false); err != nil {
				return err
			}
		}
	}
	return nil
}

type look int

const (
	notXML look = iota
	dtd
	perhapsXML
)

// peek looks at the beginning of a file to choose whether and when to read it. It
// decides nothing else: reading finds out for itself what each record is.
func peek(path string) (look, bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return notXML, false, err
	}
	defer f.Close()
	buf := make([]byte, 4096)
	n, err := io.ReadFull(f, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return notXML, false, err
	}
	head := string(buf[:n])
	text := strings.TrimLeft(strings.TrimPrefix(head, string(bomUTF8)), " \t\r\n")
	switch {
	case strings.HasPrefix(text, "<!ELEMENT") && !strings.Contains(head, "<ficAlimMENESR"):
		return dtd, false, nil
	case strings.HasPrefix(text, "<"), strings.HasPrefix(head, "\xFF\xFE"), strings.HasPrefix(head, "\xFE\xFF"):
		return perhapsXML, strings.Contains(head, "<value>PersRelEleve<"), nil
	}
	return notXML, false, nil
}
