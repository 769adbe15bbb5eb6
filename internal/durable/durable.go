// Package durable writes files that are whole or not there, whatever happens meanwhile: what
// the program knows of itself between two starts, and what another host reads of it.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile writes a file whole or not at all, and not before its content is on the disk.
// Several programs may write the same one: the last one's is there, whole.
func WriteFile(path string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // nodes may share the folder
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
