package validate

import (
	"errors"
	"fmt"
	"os"
)

// errSpool is a disk that does not take what does not fit into memory.
var errSpool = errors.New("keeping a body on the disk")

// spool is a file of os.TempDir that is made when it is needed and lost its name
// at once, so that nothing stays behind when the program ends.
type spool struct {
	file *os.File
	size int64
}

// Write writes, and tells errors of the disk from those of the client.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil {
		file, err := os.CreateTemp("", "gatehouse-upload-*")
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errSpool, err)
		}
		_ = os.Remove(file.Name()) // where an open file cannot be removed, close does it
		s.file = file
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSpool, err)
	}
	return n, err
}

// close gives the disk back.
func (s *spool) close() {
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
	s.file = nil
}
