//! Parts that panels are made of.

pub mod compare_view;
pub mod glyph;
pub mod icon;
pub mod labelled_slider;
pub mod placement;
pub mod time_scale;
