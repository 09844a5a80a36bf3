module example.com/cases

go 1.26.0

require github.com/heddle-go/heddle v0.0.0

replace github.com/heddle-go/heddle => ../heddle
