package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/PaesslerAG/gval"
	"github.com/PaesslerAG/jsonpath"
)

// pathLanguage is JSONPath (goessner.net/articles/JsonPath) with comparisons in its filters.
var pathLanguage = gval.Full(jsonpath.Language())

// parsePath reads a JSONPath.
func parsePath(path string) (gval.Evaluable, error) {
	// The language has more expressions than paths: those are none.
	if !strings.HasPrefix(path, "$") {
		return nil, errors.New("it begins with $")
	}
	parsed, err := pathLanguage.NewEvaluable(path)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return parsed, nil
}

// decodeJSON reads exactly one document. A number that a float64 cannot give back as it was written stays a json.Number,
// so that large ids are compared as they are; all others are float64, which the filters of JSONPath can compare.
func decodeJSON(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the first document")
	}
	return exactNumbers(document), nil
}

func exactNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, element := range v {
			v[key] = exactNumbers(element)
		}
	case []any:
		for i, element := range v {
			v[i] = exactNumbers(element)
		}
	case json.Number:
		if f, err := v.Float64(); err == nil && floatText(f) == v.String() {
			return f
		}
	}
	return value
}

// jsonText is a value as users write it in HCL: text without quotes, numbers and booleans as in the document, objects and
// arrays as compact JSON with sorted keys.
func jsonText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case float64:
		return floatText(v), nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

func floatText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
