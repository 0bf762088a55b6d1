package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPageCountsTheEntries compares what the page says with the list.
func TestPageCountsTheEntries(t *testing.T) {
	list, err := readExcuses(reviewed)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "explanation", "mutants.md"))
	if want := fmt.Sprintf("%d entries today", len(list)); err != nil || !strings.Contains(string(page), want) {
		t.Errorf("the page does not say %q, %v", want, err)
	}
}
