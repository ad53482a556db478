//! Charts as inline SVG: lines over quarters, and bars of shares. Colour is never the only sign; suppressed is a gap.

use super::markup::{Markup, all, class, element, tag, text};
use crate::monitor::figures::number;

/// A point of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Point {
    /// A number; `at_least` when it is a lower bound.
    Value { value: i64, at_least: bool },
    /// Nothing that may be shown.
    Gap,
}

/// A line with its name.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// What a line chart shows.
pub(super) struct LineChart<'a> {
    /// Unique in the page; made of letters, digits and hyphens.
    pub(super) id: String,
    pub(super) title: String,
    /// One label for each point, such as `2024-Q1`.
    pub(super) labels: &'a [String],
    pub(super) lines: Vec<Line>,
    /// A small chart of one line, without a legend.
    pub(super) small: bool,
    /// Numbers of the points with which another trend begins.
    pub(super) breaks: Vec<usize>,
}

/// Size of the drawing in its own units, and the frame of its axes.
struct Frame {
    width: i64,
    height: i64,
    left: i64,
    bottom: i64,
    top: i64,
    right: i64,
    most: i64,
    last: i64,
}

impl Frame {
    fn new(small: bool, most: i64, points: usize) -> Self {
        let last = i64::try_from(points).unwrap_or(1).saturating_sub(1).max(1);
        let most = round_up(most);
        if small {
            Self { width: 360, height: 130, left: 44, bottom: 24, top: 10, right: 10, most, last }
        } else {
            Self { width: 600, height: 250, left: 64, bottom: 40, top: 14, right: 16, most, last }
        }
    }

    fn x(&self, at: usize) -> i64 {
        let at = i64::try_from(at).unwrap_or(0);
        self.left + at * (self.width - self.left - self.right) / self.last
    }

    fn y(&self, value: i64) -> i64 {
        let room = self.height - self.bottom - self.top;
        self.height - self.bottom - value * room / self.most
    }
}

/// The next 1, 2 or 5 with zeros, times 4 steps: a top that divides into four round steps.
fn round_up(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [1, 2, 5] {
            if 4 * step * unit >= most {
                return (4 * step * unit).max(4);
            }
        }
        unit *= 10;
    }
}

/// A line chart with its legend; nothing when no line has a point.
pub(super) fn lines(chart: &LineChart<'_>) -> Option<Markup> {
    let values = chart.lines.iter().flat_map(|line| &line.points).filter_map(|point| match point {
        Point::Value { value, .. } => Some(*value),
        Point::Gap => None,
    });
    let frame = Frame::new(chart.small, values.max()?, chart.labels.len());
    let (title_id, text_id) = (format!("{}-t", chart.id), format!("{}-d", chart.id));
    let mut parts = vec![
        element("title", &[("id", &title_id)], [text(&chart.title)]),
        element("desc", &[("id", &text_id)], [text(described(chart))]),
        axes(&frame, chart),
    ];
    for at in &chart.breaks {
        let (x, top, base) = (frame.x(*at).to_string(), frame.top.to_string(), frame.y(0).to_string());
        parts.push(element("line", &[("class", "break"), ("x1", &x), ("x2", &x), ("y1", &top), ("y2", &base)], []));
    }
    for (number, line) in chart.lines.iter().enumerate() {
        parts.push(draw(&frame, number, line));
    }
    let view = format!("0 0 {} {}", frame.width, frame.height);
    let kind = if chart.small { "chart small" } else { "chart" };
    let labelled = format!("{title_id} {text_id}");
    let svg =
        element("svg", &[("class", kind), ("viewBox", &view), ("role", "img"), ("aria-labelledby", &labelled)], parts);
    let mut out = vec![svg];
    if !chart.small {
        out.insert(0, legend(&chart.lines));
        out.insert(0, class("figcaption", "caption", &chart.title));
    }
    Some(element("figure", &[("class", "figure")], out))
}

/// The figures in words, for whoever cannot see the drawing.
fn described(chart: &LineChart<'_>) -> String {
    let mut out = Vec::new();
    for line in &chart.lines {
        let points = chart.labels.iter().zip(&line.points).map(|(label, point)| match point {
            Point::Value { value, at_least: false } => format!("{label} {}", number(*value)),
            Point::Value { value, at_least: true } => format!("{label} ten minste {}", number(*value)),
            Point::Gap => format!("{label} niet getoond"),
        });
        out.push(format!("{}: {}.", line.name, points.collect::<Vec<_>>().join(", ")));
    }
    out.join(" ")
}

fn axes(frame: &Frame, chart: &LineChart<'_>) -> Markup {
    let mut parts = Vec::new();
    let (left, right) = (frame.left.to_string(), (frame.width - frame.right).to_string());
    let steps: &[i64] = if chart.small { &[0, 2, 4] } else { &[0, 1, 2, 3, 4] };
    for step in steps {
        let value = frame.most * step / 4;
        let y = frame.y(value).to_string();
        let kind = if *step == 0 { "axis" } else { "grid" };
        parts.push(element("line", &[("class", kind), ("x1", &left), ("x2", &right), ("y1", &y), ("y2", &y)], []));
        let (x, y) = ((frame.left - 8).to_string(), (frame.y(value) + 4).to_string());
        parts.push(element("text", &[("x", &x), ("y", &y), ("text-anchor", "end")], [text(number(value))]));
    }
    let base = frame.y(0);
    for (at, label) in chart.labels.iter().enumerate() {
        let new_year = at == 0 || label.get(..4) != chart.labels[at - 1].get(..4);
        let x = frame.x(at).to_string();
        let (from, to) = (base.to_string(), (base + if new_year { 8 } else { 4 }).to_string());
        parts.push(element("line", &[("class", "axis"), ("x1", &x), ("x2", &x), ("y1", &from), ("y2", &to)], []));
        if new_year {
            let y = (frame.height - 4).to_string();
            parts.push(element("text", &[("x", &x), ("y", &y)], [text(label.get(..4).unwrap_or(label))]));
        }
    }
    element("g", &[("class", "axes")], parts)
}

fn draw(frame: &Frame, number: usize, line: &Line) -> Markup {
    let mut marks = Vec::new();
    let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
    for (at, point) in line.points.iter().enumerate() {
        match point {
            Point::Value { value, at_least } => {
                let (x, y) = (frame.x(at), frame.y(*value));
                pieces.last_mut().into_iter().for_each(|piece| piece.push(format!("{x},{y}")));
                marks.push(marker(number, (x, y), *at_least, frame.width < 400));
            }
            Point::Gap => pieces.push(Vec::new()),
        }
    }
    let drawn = pieces.iter().filter(|piece| piece.len() > 1);
    let drawn = drawn.map(|piece| element("polyline", &[("points", &piece.join(" "))], []));
    let kind = format!("line s{}", number + 1);
    element("g", &[("class", &kind)], drawn.chain(marks))
}

/// A circle, square, triangle or diamond by the number of the line; hollow for a lower bound.
fn marker(number: usize, (x, y): (i64, i64), at_least: bool, small: bool) -> Markup {
    let size = if small { 3 } else { 4 };
    let kind = if at_least { "hollow" } else { "full" };
    let points = match number % 4 {
        1 => format!("{0},{2} {1},{2} {1},{3} {0},{3}", x - size, x + size, y - size, y + size),
        2 => format!("{x},{} {},{} {},{}", y - size - 1, x + size + 1, y + size, x - size - 1, y + size),
        3 => format!("{x},{} {},{y} {x},{} {},{y}", y - size - 2, x + size + 2, y + size + 2, x - size - 2),
        _ => {
            let (x, y, r) = (x.to_string(), y.to_string(), size.to_string());
            return element("circle", &[("class", kind), ("cx", &x), ("cy", &y), ("r", &r)], []);
        }
    };
    element("polygon", &[("class", kind), ("points", &points)], [])
}

fn legend(lines: &[Line]) -> Markup {
    let items = lines.iter().enumerate().map(|(at, line)| {
        let kind = format!("line s{}", at + 1);
        let sample = [element("polyline", &[("points", "0,8 28,8")], []), marker(at, (14, 8), false, false)];
        let drawing = element("g", &[("class", &kind)], sample);
        let svg = element("svg", &[("class", "key"), ("viewBox", "0 0 28 16"), ("aria-hidden", "true")], [drawing]);
        element("li", &[], [svg, text(&line.name)])
    });
    element("ul", &[("class", "legend")], items)
}

/// What a part of a bar says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// Within the norm.
    Good,
    /// Beyond the norm.
    Late,
    /// A waiting time, the longer the darker.
    Wait,
}

/// A part of a bar and its share in thousandths.
pub(super) struct Segment {
    pub(super) thousandths: i64,
    pub(super) tone: Tone,
}

/// A named bar of shares, with what is said beside it.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) note: String,
    /// Empty when nothing may be shown.
    pub(super) segments: Vec<Segment>,
    pub(super) result: String,
}

/// Bars below one another, as a list.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Markup {
    let items = bars.iter().map(|bar| {
        let label = [class("span", "bar-name", &bar.name), class("span", "bar-note", &bar.note)];
        element(
            "li",
            &[],
            [element("div", &[("class", "bar-label")], label), drawn_bar(bar), class("div", "bar-result", &bar.result)],
        )
    });
    element(
        "figure",
        &[("class", "figure")],
        [class("figcaption", "caption", title), element("ul", &[("class", "bars")], items)],
    )
}

fn drawn_bar(bar: &Bar) -> Markup {
    let mut parts = vec![tag("title", format!("{}: {}", bar.name, bar.result))];
    parts.push(element("rect", &[("class", "bar-rest"), ("width", "1000"), ("height", "20")], []));
    let (mut x, mut shade, mut before) = (0, 0, None);
    for segment in &bar.segments {
        shade = if before == Some(segment.tone) { shade + 1 } else { 1 };
        before = Some(segment.tone);
        let tone = match segment.tone {
            Tone::Good => "good",
            Tone::Late => "late",
            Tone::Wait => "wait",
        };
        let kind = format!("{tone} shade{}", shade.min(4));
        let (from, width) = (x.to_string(), segment.thousandths.to_string());
        parts.push(element("rect", &[("class", &kind), ("x", &from), ("width", &width), ("height", "20")], []));
        x += segment.thousandths;
    }
    let within: i64 = bar.segments.iter().filter(|s| s.tone == Tone::Good).map(|s| s.thousandths).sum();
    if within > 0 && bar.segments.iter().any(|s| s.tone == Tone::Late) {
        let x = (within - 2).to_string();
        parts.push(element("rect", &[("class", "norm"), ("x", &x), ("width", "4"), ("height", "20")], []));
    }
    let attributes = [("class", "bar"), ("viewBox", "0 0 1000 20"), ("preserveAspectRatio", "none"), ("role", "img")];
    element("svg", &attributes, [all(parts)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_the_axis_divides_into_four_round_steps() {
        for (most, top) in [(0, 4), (4, 4), (5, 8), (9, 20), (70, 80), (81, 200), (450, 800), (900, 2_000)] {
            assert_eq!(round_up(most), top, "{most}");
        }
    }

    #[test]
    fn a_chart_without_any_point_is_not_drawn() {
        let labels = ["2024-Q1".to_owned()];
        let lines_of = |points| vec![Line { name: "OTS".into(), points }];
        let chart = |points| LineChart {
            id: "a".into(),
            title: "b".into(),
            labels: &labels,
            lines: lines_of(points),
            small: false,
            breaks: Vec::new(),
        };
        assert!(lines(&chart(vec![Point::Gap])).is_none());
        assert!(lines(&chart(vec![Point::Value { value: 10, at_least: true }])).is_some());
    }
}
