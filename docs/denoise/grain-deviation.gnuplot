# gnuplot grain-deviation.gnuplot   draws grain-deviation.svg and grain-deviation.png from grain-deviation.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead noenhanced top right
set grid
set title "deviation of luma's noise, of 255"
set xlabel 'luma, of the range'
plot 'grain-deviation.csv' using (strcol('set') eq 'data/polyu' && strcol('noise') eq 'real' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 1 title 'data/polyu', \
  'grain-deviation.csv' using (strcol('set') eq 'sidd_small_256/train' && strcol('noise') eq 'real' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 1 title 'sidd_small_256/train', \
  'grain-deviation.csv' using (strcol('set') eq 'photos_free/val' && strcol('noise') eq 'camera' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 2 title 'camera, simulated', \
  'grain-deviation.csv' using (strcol('set') eq 'photos_free/val' && strcol('noise') eq 'phone' ? column('at') : NaN):'value' with linespoints lw 2 pt 7 ps 0.7 dt 2 title 'phone, simulated'
set terminal svg size 900,600 dynamic background 'white'
set output 'grain-deviation.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'grain-deviation.png'
replot
